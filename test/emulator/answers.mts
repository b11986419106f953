import type { Readable } from 'node:stream';

/** What a route says; sending it, and spoiling it by a fault, happens in one place (exchange.mts). */
export interface Answer {
	status: number;
	headers?: Record<string, string>;
	/** Sent as JSON. */
	json?: unknown;
	/** Sent as it is. */
	text?: string;
	contentType?: string;
	/** Path of a file to stream. */
	file?: string;
}

export interface Refusal extends Error {
	answer: Answer;
}

/** `{code, message, data}` around every answer of the API (WaveSpeedAI docs, REST API). */
export function success(data: unknown): Answer {
	return { status: 200, json: { code: 200, message: 'success', data } };
}

export function failure(status: number, message: string, extra: object = {}): Answer {
	return { status, json: { code: status, message, ...extra } };
}

/** Thrown by a route to refuse; `extra` goes beside code and message. */
export function refusal(status: number, message: string, extra?: object): Refusal {
	return Object.assign(new Error(message), { answer: failure(status, message, extra) });
}

/** An error of the upload and download origin: plain XML, as object stores answer, not the API's envelope. */
export function storeFailure(status: number, code: string, message: string): Answer {
	const text = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
	return { status, text, contentType: 'application/xml' };
}

export function storeRefusal(status: number, code: string, message: string): Refusal {
	return Object.assign(new Error(message), { answer: storeFailure(status, code, message) });
}

export function isRefusal(error: unknown): error is Refusal {
	return error instanceof Error && 'answer' in error;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads a request to its end without keeping it, so that the client can read the answer. */
export async function drain(stream: Readable): Promise<void> {
	stream.on('error', () => undefined);
	for await (const chunk of stream) void chunk;
}
