import type { HttpOutcome, HttpRequest, Send } from '../../../nodes/shared/wavespeed/http/types';
import type { EmulatorOptions } from '../../emulator/options.mts';
import type { Cancellation } from '../../../nodes/shared/async/cancellation';
import { answer, noReply, notSent, ok, refusal } from './api.mts';
import type { VirtualTime } from './virtualTime.mts';

/**
 * The service in memory: it accepts tasks, runs them for a while and lists them, and goes wrong on demand. It knows
 * what was accepted, and with it paid for, whatever the client came to know.
 */

export const SUBMIT_FAULTS = [
	/** Refused before anything happened. */
	'refused',
	'tooMany',
	'tooManyRetryAfter',
	'notSent',
	/** No clear answer, and no task. */
	'resetBefore',
	'hangBefore',
	'errorBefore',
	/** No clear answer, but a task. */
	'resetAfter',
	'hangAfter',
	'errorAfter',
	'htmlAfter',
	'cutOffAfter',
	'namelessAfter',
	/** No answer, and a task that is made a while later. */
	'lateAfter',
	/** All is well, but it takes long. */
	'slow',
] as const;
export type SubmitFault = (typeof SUBMIT_FAULTS)[number] | 'none';

export const READ_FAULTS = [
	'reset',
	'error',
	'hang',
	'html',
	'tooMany',
	'tooManyRetryAfter',
] as const;
/** `unauthorized` is one that can't be retried. */
export type ReadFault = (typeof READ_FAULTS)[number] | 'unauthorized' | 'none';

export const STORE_FAULTS = ['reset', 'error', 'expired', 'hang', 'refused'] as const;
export type StoreFault = (typeof STORE_FAULTS)[number] | 'none';

export const ENDS = ['completed', 'failed', 'refused', 'cancelled'] as const;
export type End = (typeof ENDS)[number];

/** How the next task goes. */
export interface TaskPlan {
	lastsMs: number;
	/** `failed` is for a passing reason, `refused` for a lasting one. */
	end: End;
}

/** `refused`: no connection; `unreachable`: none either, after a long time. */
export const OUTAGE_WAYS = ['silent', 'refused', 'unreachable', 'reset', 'error'] as const;

/** No request does anything meanwhile, files included. */
export interface ServiceOutage {
	/** ms since the start. */
	fromMs: number;
	toMs: number;
	way: (typeof OUTAGE_WAYS)[number];
}

/** What the emulator knows too has the same name and the same meaning there. */
type LikeEmulator = Required<
	Pick<EmulatorOptions, 'echo' | 'echoInput' | 'includeInputs' | 'dateHeader'>
> & { clockSkewMs: number; maxPageSize: number };

export interface ServiceOptions extends LikeEmulator {
	outages: ServiceOutage[];
	/** How long it takes until a new task is in the list. */
	listLagMs: number;
	price: number;
	/** What goes wrong, request by request; afterwards nothing does. */
	submitFaults: SubmitFault[];
	pollFaults: ReadFault[];
	listFaults: ReadFault[];
	ticketFaults: ReadFault[];
	storeFaults: StoreFault[];
	/** Task by task; afterwards a minute to a good end. */
	tasks: TaskPlan[];
}

export interface ServiceTask {
	id: string;
	/** What made it; undefined if that was somebody else. */
	request: HttpRequest | undefined;
	input: Record<string, unknown>;
	createdAt: number;
	endsAt: number;
	end: End;
	/** Made only after the client had given up. */
	isLate: boolean;
}

export interface Service {
	/** The network between one run and the service. */
	connect(cancellation: Cancellation): Send;
	/** Everything that was accepted, and with it paid for. */
	tasks: ServiceTask[];
	/** When submits reached the service, accepted or not, ms since the epoch. */
	submitsAt: number[];
	/** The same submits as they came. */
	submits: HttpRequest[];
	requests: { at: number; request: HttpRequest }[];
	/** Called with each task that was accepted. */
	onAccepted: (task: ServiceTask) => void;
	/** Puts a task there that this workflow hasn't submitted. */
	addForeignTask(input?: Record<string, unknown>): ServiceTask;
	countOf(pathEnd: string): number;
	/** The service's time, ms since the epoch, as it runs also while this machine sleeps. */
	now(): number;
	/** This machine sleeps: its steady clock stands still, and everybody else's goes on. */
	sleepMachine(ms: number): void;
}

const ONE_WAY_MS = 40;
const LATE_MS = 20_000;
const DEFAULT_PLAN: TaskPlan = { lastsMs: 60_000, end: 'completed' };

const NOTHING_WRONG: ServiceOptions = {
	echo: {},
	echoInput: false,
	includeInputs: 'ignored',
	clockSkewMs: 0,
	dateHeader: true,
	maxPageSize: 100,
	outages: [],
	listLagMs: 0,
	price: 0.24,
	submitFaults: [],
	pollFaults: [],
	listFaults: [],
	ticketFaults: [],
	storeFaults: [],
	tasks: [],
};

export function createService(time: VirtualTime, wishes: Partial<ServiceOptions> = {}): Service {
	const options = { ...NOTHING_WRONG, ...wishes };
	const faults = {
		submit: options.submitFaults.values(),
		poll: options.pollFaults.values(),
		list: options.listFaults.values(),
		ticket: options.ticketFaults.values(),
		store: options.storeFaults.values(),
	};
	const plans = options.tasks.values();
	const next = <T extends string>(queue: IterableIterator<T>): T | 'none' =>
		queue.next().value ?? 'none';
	let uploads = 0;

	let sleptMs = 0;
	const service: Service = {
		now: () => time.now() + sleptMs,
		sleepMachine(ms) {
			sleptMs += ms;
			time.jumpWall(ms);
		},
		tasks: [],
		submitsAt: [],
		submits: [],
		requests: [],
		onAccepted: () => {},
		connect,
		addForeignTask: (input = { image: 'https://other.example/a.png' }) => accept(input),
		countOf: (pathEnd) =>
			service.requests.filter(({ request }) => pathOf(request).endsWith(pathEnd)).length,
	};
	return service;

	function accept(
		input: Record<string, unknown>,
		request?: HttpRequest,
		isLate = false,
	): ServiceTask {
		const plan = plans.next().value ?? DEFAULT_PLAN;
		const task = {
			id: `task${service.tasks.length}`,
			input,
			request,
			createdAt: service.now(),
			endsAt: service.now() + plan.lastsMs,
			end: plan.end,
			isLate,
		};
		service.tasks.push(task);
		service.onAccepted(task);
		return task;
	}

	function describe(task: ServiceTask, echoAs = usualEcho()): Record<string, unknown> {
		const isOver = service.now() >= task.endsAt;
		const status = task.end === 'refused' ? 'failed' : task.end;
		return {
			id: task.id,
			model: 'wavespeed-ai/wan-2.2/speech-to-video',
			status: isOver ? status : 'processing',
			outputs: isOver && task.end === 'completed' ? [`https://cdn.example/${task.id}.mp4`] : [],
			created_at: new Date(task.createdAt + options.clockSkewMs).toISOString(),
			error: isOver && status === 'failed' ? 'it went wrong' : '',
			...(isOver && status === 'failed' ? { code: task.end === 'refused' ? 1402 : 5000 } : {}),
			...(echoAs ? { [options.echo.name ?? echoAs]: echoOf(task) } : {}),
		};
	}

	function usualEcho(): 'input' | 'inputs' | undefined {
		return options.echoInput ? 'input' : undefined;
	}

	function echoOf({ id, input }: ServiceTask): Record<string, unknown> {
		const { keys, trimPrompt, seedAsText, rehostFiles } = options.echo;
		const rehost = (url: unknown): string =>
			`https://copies.example/${id}/${String(url).split('/').at(-1) ?? ''}`;
		const echo: Record<string, unknown> = {
			...input,
			...(trimPrompt ? { prompt: String(input.prompt).trim() } : {}),
			...(seedAsText ? { seed: String(input.seed) } : {}),
			...(rehostFiles ? { image: rehost(input.image), audio: rehost(input.audio) } : {}),
		};
		const kept = Object.entries(echo).filter(([key]) => !keys || keys.some((one) => one === key));
		return Object.fromEntries(kept);
	}

	function connect(cancellation: Cancellation): Send {
		return async (request) => {
			if (!request.finishOnStop) cancellation.throwIfCancelled();
			service.requests.push({ at: time.now(), request });
			const outcome = exchange(request);
			if (request.finishOnStop) return await outcome;
			let forget = (): void => {};
			const cutOff = new Promise<never>((_, reject) => (forget = cancellation.onCancel(reject)));
			return await Promise.race([outcome, cutOff]).finally(() => forget());
		};
	}

	async function exchange(request: HttpRequest): Promise<HttpOutcome> {
		await time.delay(ONE_WAY_MS);
		const outcome = await handle(request);
		await time.delay(ONE_WAY_MS);
		if (!outcome.answered || !options.dateHeader) return outcome;
		const date = new Date(service.now() + options.clockSkewMs).toUTCString();
		return { ...outcome, headers: { date, ...outcome.headers } };
	}

	async function handle(request: HttpRequest): Promise<HttpOutcome> {
		const path = pathOf(request);
		const elapsed = time.elapsed();
		const outage = options.outages.find(({ fromMs, toMs }) => elapsed >= fromMs && elapsed < toMs);
		if (outage) return await failInOutage(outage, request);
		if (path.endsWith('/speech-to-video')) return await submit(request);
		if (path.endsWith('/result')) return await read(next(faults.poll), request, () => poll(path));
		if (path.endsWith('/predictions'))
			return await read(next(faults.list), request, () => list(request));
		if (path.endsWith('/media/uploads')) return await read(next(faults.ticket), request, ticket);
		if (path.endsWith('/model/price')) return ok({ price: options.price });
		if (path.startsWith('https://store.example/')) return await put(request);
		return refusal(404, 'there is nothing here');
	}

	async function failInOutage({ way }: ServiceOutage, request: HttpRequest): Promise<HttpOutcome> {
		if (way === 'refused') return notSent;
		if (way === 'error') return refusal(503, 'overloaded');
		if (way === 'silent' || way === 'unreachable') await time.delay(patienceOf(request));
		return way === 'unreachable' ? notSent : noReply;
	}

	async function submit(request: HttpRequest): Promise<HttpOutcome> {
		const fault = next(faults.submit);
		const input = { ...request.json };
		if (fault === 'notSent') return notSent;
		// What got lost on the way never reached the service.
		if (fault === 'resetBefore') return noReply;
		service.submitsAt.push(time.now());
		service.submits.push(request);
		switch (fault) {
			case 'refused':
				return refusal(400, 'the seed is out of range');
			case 'tooMany':
				return refusal(429, 'too many');
			case 'tooManyRetryAfter':
				return refusal(429, 'too many', { 'retry-after': '7' });
			case 'errorBefore':
				return refusal(503, 'overloaded');
			case 'hangBefore':
				await time.delay(request.timeoutMs);
				return noReply;
			case 'lateAfter':
				void time.delay(LATE_MS).then(() => accept(input, request, true));
				return noReply;
		}
		const task = accept(input, request);
		switch (fault) {
			case 'resetAfter':
				return noReply;
			case 'hangAfter':
				await time.delay(request.timeoutMs);
				return noReply;
			case 'errorAfter':
				return answer(502, '<html>bad gateway</html>');
			case 'htmlAfter':
				return answer(200, '<html>please log in</html>');
			case 'cutOffAfter':
				return answer(200, '{"code":200,"data":{"id":"ta');
			case 'namelessAfter':
				return ok({ status: 'created' });
			case 'slow':
				await time.delay(15_000);
		}
		return ok(describe(task));
	}

	async function read(
		fault: ReadFault,
		request: HttpRequest,
		respond: () => HttpOutcome,
	): Promise<HttpOutcome> {
		switch (fault) {
			case 'reset':
				return noReply;
			case 'error':
				return refusal(500, 'internal');
			case 'html':
				return answer(200, '<html>maintenance</html>');
			case 'hang':
				await time.delay(request.timeoutMs);
				return noReply;
			case 'tooMany':
				return refusal(429, 'too many');
			case 'tooManyRetryAfter':
				return refusal(429, 'too many', { 'retry-after': '11' });
			case 'unauthorized':
				return refusal(401, 'the key was revoked');
			case 'none':
				return respond();
		}
	}

	function poll(path: string): HttpOutcome {
		const id = decodeURIComponent(path.split('/').at(-2) ?? '');
		const task = service.tasks.find((other) => other.id === id);
		return task ? ok(describe(task)) : refusal(404, 'task not found');
	}

	function list({ json }: HttpRequest): HttpOutcome {
		const isAsked = json?.include_inputs === true;
		if (isAsked && options.includeInputs === 'refused') return refusal(400, 'unknown key');
		const echoAs = isAsked && options.includeInputs === 'honoured' ? 'inputs' : usualEcho();
		const [from, to] = [json?.created_after, json?.created_before].map((at) =>
			Date.parse(String(at)),
		);
		const listed = service.tasks
			.filter((task) => service.now() >= task.createdAt + options.listLagMs)
			.filter(({ createdAt }) => {
				const at = createdAt + options.clockSkewMs;
				return at >= (from ?? 0) && at <= (to ?? Infinity);
			});
		const page = Number(json?.page);
		const size = Math.min(Number(json?.page_size), options.maxPageSize);
		const newestFirst = [...listed].reverse().slice((page - 1) * size, page * size);
		return ok({ page, items: newestFirst.map((task) => describe(task, echoAs)) });
	}

	function ticket(): HttpOutcome {
		uploads += 1;
		return ok({
			download_url: `https://files.example/${uploads}`,
			upload: { method: 'PUT', url: `https://store.example/${uploads}`, headers: {} },
		});
	}

	async function put(request: HttpRequest): Promise<HttpOutcome> {
		switch (next(faults.store)) {
			case 'reset':
				return noReply;
			case 'error':
				return answer(503, '');
			case 'expired':
				return answer(403, '');
			case 'refused':
				return answer(400, '');
			case 'hang':
				await time.delay(patienceOf(request));
				return noReply;
			default:
				return answer(200, '');
		}
	}
}

const patienceOf = ({ timeoutMs, longestSilenceMs = timeoutMs }: HttpRequest): number =>
	Math.min(timeoutMs, longestSilenceMs);

const pathOf = ({ target }: HttpRequest): string => ('path' in target ? target.path : target.url);
