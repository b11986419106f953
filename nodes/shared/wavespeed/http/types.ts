/** A request as the client describes it; who sends it, and how the key gets in, is the adapter's business. */
export interface HttpRequest {
	method: 'GET' | 'POST' | 'PUT';
	/** A path below the base URL (sent with the key), or an absolute URL of another host (never with the key). */
	target: { path: string } | { url: string };
	query?: Record<string, string>;
	headers?: Record<string, string>;
	json?: Record<string, unknown>;
	file?: { body: NodeJS.ReadableStream | Buffer; byteCount: number };
	timeoutMs: number;
	/** It is given up if nothing is taken of the file, or said after its last byte, for so long. */
	longestSilenceMs?: number;
	/** It is not sent after this time (ms on the steady clock), however long it has to wait for its turn. */
	deadline?: number;
	/** Asked when it has its turn: a reason not to send it any more, which is thrown then. */
	whyGiveUp?: () => Error | undefined;
	/** For answers that may be larger than the description of a task. */
	maxAnswerBytes?: number;
	/** A submit that is cut off on Stop may have been accepted, and its task's ID would be lost: let it end. */
	finishOnStop?: boolean;
}

export interface HttpAnswer {
	answered: true;
	status: number;
	/** Names in lower case. */
	headers: Record<string, string>;
	/** '' if the answer was larger than allowed: that is as good as unreadable. */
	text: string;
}

export interface NoAnswer {
	answered: false;
	/**
	 * `notSent`: no connection came about, so the service has seen nothing.
	 * `noReply`: the request may have arrived.
	 * `noTurn`: it was not sent, since its deadline came first.
	 */
	reason: 'notSent' | 'noReply' | 'noTurn';
	/** What happened, in words for the person who runs the workflow; never with the key in it. */
	text: string;
}

export type HttpOutcome = HttpAnswer | NoAnswer;

/**
 * Sends one request once. Resolves for everything that a network or a server can do;
 * throws only for a cancelled run (FailureError), for `whyGiveUp`, and for mistakes in the program.
 */
export type Send = (request: HttpRequest) => Promise<HttpOutcome>;
