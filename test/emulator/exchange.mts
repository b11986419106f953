import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { Answer } from './answers.mts';
import { drain, failure, isRefusal, storeFailure } from './answers.mts';
import { spoil, takeFault, takesEffect } from './faults.mts';
import type { World } from './state.mts';
import type { RecordedRequest, EveryStep } from './types.mts';

export interface Exchange {
	request: FastifyRequest;
	record: RecordedRequest;
}

interface Route {
	method: HTTPMethods | HTTPMethods[];
	url: string;
	step: EveryStep;
	/** The body is a stream that only the route reads. */
	streams?: boolean;
	answer: (exchange: Exchange) => Answer | Promise<Answer>;
}

const records = new WeakMap<FastifyRequest, RecordedRequest>();

/** Adds a route whose answers can be spoiled by faults. */
export function addRoute(app: FastifyInstance, world: World, route: Route): void {
	app.route({
		method: route.method,
		url: route.url,
		handler: async (request, reply) => {
			const record = recordOf(request);
			record.step = route.step;
			if (!route.streams) record.body = request.body;
			await tell(world, route.step, record);
			const fault = takeFault(world.faults, route.step, record);
			const work = () => answerOrRefuse(() => route.answer({ request, record }));
			if (!fault) return sendAnswer(reply, record, await work());
			const real = takesEffect(fault, route.step) ? await work() : undefined;
			const spoiled = spoil(fault, real, route.step);
			if (spoiled.way === 'answer') {
				// A refusal in the middle of an upload would reach the client as a broken pipe.
				if (route.streams && !real) await drain(request.raw);
				return sendAnswer(reply, record, spoiled.answer);
			}
			reply.hijack();
			// Asleep before the first byte goes out: whoever sees it may move a virtual clock at once.
			const isSlow = spoiled.way === 'slow';
			const pause = isSlow ? sleepSeconds(world, spoiled.seconds) : undefined;
			const rest = spoiled.answer ? await sendHalf(reply, spoiled.answer) : undefined;
			// Not before its half is out: a virtual clock that looks at this would move on too early.
			record.status = spoiled.way === 'slow' ? spoiled.answer.status : spoiled.way;
			if (spoiled.way === 'reset') request.raw.socket.resetAndDestroy();
			await pause;
			if (isSlow) reply.raw.end(rest);
			return reply;
		},
	});
}

/** Before the request meets a fault or has any effect; a hook that waits holds it. */
export async function tell(world: World, step: EveryStep, record: RecordedRequest): Promise<void> {
	for (const hook of [...world.hooks]) if (hook.step === step) await hook.call(record);
}

/** Records every request and its answer, and gives errors the origin's own shape. */
export function recordRequests(app: FastifyInstance, world: World, origin: 'api' | 'media'): void {
	app.addHook('onRequest', async (request, reply) => {
		const { pathname, searchParams } = new URL(request.raw.url ?? '/', 'http://localhost');
		const record: RecordedRequest = {
			at: world.localClock.now(),
			origin,
			method: request.method,
			path: pathname,
			query: Object.fromEntries(
				[...searchParams.keys()].map((key) => [key, oneOrMany(searchParams.getAll(key))]),
			),
			headers: { ...request.headers },
			body: undefined,
		};
		records.set(request, record);
		// Set here for every way to answer, faults included.
		if (world.options.dateHeader ?? true) {
			reply.raw.setHeader(
				'date',
				new Date(world.clock.now() + (world.options.dateHeaderAheadMs ?? 0)).toUTCString(),
			);
		} else reply.raw.sendDate = false;
		if (pathname.startsWith('/_emulator')) return;
		world.requests.push(record);
		world.inFlightRequests += 1;
		reply.raw.once('close', () => (world.inFlightRequests -= 1));
	});
	const fail = (status: number, message: string) =>
		origin === 'api' ? failure(status, message) : storeFailure(status, 'InvalidRequest', message);
	app.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
		// An unsupported content type is a bad parameter like any other: 415 isn't among the documented statuses.
		const status = error.statusCode === 415 ? 400 : (error.statusCode ?? 500);
		const answer = isRefusal(error) ? error.answer : fail(status, error.message);
		return sendAnswer(reply, recordOf(request), answer);
	});
	app.setNotFoundHandler((request, reply) =>
		sendAnswer(reply, recordOf(request), fail(404, 'not found')),
	);
}

function recordOf(request: FastifyRequest): RecordedRequest {
	const record = records.get(request);
	if (!record) throw new Error('request was not recorded');
	return record;
}

/** A clock may reject a sleep that the end of the emulator cuts short. */
function sleepSeconds(world: World, seconds: number): Promise<void> {
	return world.clock.sleep(seconds * 1000, world.closing.signal).catch(() => undefined);
}

function oneOrMany(values: string[]): string | string[] {
	return values.length === 1 ? (values[0] ?? '') : values;
}

async function answerOrRefuse(work: () => Answer | Promise<Answer>): Promise<Answer> {
	try {
		return await work();
	} catch (error) {
		if (isRefusal(error)) return error.answer;
		throw error;
	}
}

async function sendAnswer(reply: FastifyReply, record: RecordedRequest, answer: Answer) {
	record.status = answer.status;
	reply
		.code(answer.status)
		.headers(answer.headers ?? {})
		.type(typeOf(answer));
	if (answer.file === undefined) return reply.send(await bytesOf(answer));
	reply.header('content-length', (await stat(answer.file)).size);
	return reply.send(createReadStream(answer.file));
}

/** Sends headers and half of the body; returns the other half. */
async function sendHalf(reply: FastifyReply, answer: Answer): Promise<Buffer> {
	const bytes = await bytesOf(answer);
	const half = Math.floor(bytes.length / 2);
	reply.raw.writeHead(answer.status, {
		...answer.headers,
		'content-type': typeOf(answer),
		'content-length': bytes.length,
	});
	reply.raw.flushHeaders();
	await new Promise<void>((resolve) => reply.raw.write(bytes.subarray(0, half), () => resolve()));
	return bytes.subarray(half);
}

function typeOf(answer: Answer): string {
	return answer.contentType ?? (answer.json === undefined ? 'text/plain' : 'application/json');
}

async function bytesOf(answer: Answer): Promise<Buffer> {
	if (answer.file !== undefined) return readFile(answer.file);
	if (answer.json !== undefined) return Buffer.from(JSON.stringify(answer.json));
	return Buffer.from(answer.text ?? '');
}
