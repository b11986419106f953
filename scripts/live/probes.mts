import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { settle } from '../../nodes/shared/async/settle';
import { MODEL_ID, PATHS } from '../../nodes/shared/wavespeed/endpoints';
import { readEnvelope, type ApiResult } from '../../nodes/shared/wavespeed/http/envelope';
import { preparationBudget } from '../../nodes/shared/wavespeed/http/request';
import type { HttpRequest } from '../../nodes/shared/wavespeed/http/types';
import { isRecord } from '../../nodes/shared/json';
import { uploadFile } from '../../nodes/shared/wavespeed/media/upload';
import { getTask } from '../../nodes/shared/wavespeed/tasks/getTask';
import { listTasks } from '../../nodes/shared/wavespeed/tasks/listTasks';
import { quotePrice } from '../../nodes/shared/wavespeed/tasks/quotePrice';
import { phaseOf } from '../../nodes/shared/wavespeed/tasks/task';
import { submitTask } from '../../nodes/shared/wavespeed/tasks/submitTask';
import { fetchWebhookSecret } from '../../nodes/shared/wavespeed/webhooks/secret';
import { listAt, valueAt } from '../n8n/shape.mts';
import type { Service } from './exchange.mts';
import { makeSilence } from './silence.mts';
import { describe as toMessage } from '../../nodes/shared/n8n/errors/messages';

/** What the service is asked. All of it is free but `PAID_PROBES`, which make one short video. */

export interface Seen {
	/** What is compared with the emulator. */
	value: string;
	/** The service's own words, for whoever reads the table. */
	words?: string;
}

export interface Probe {
	name: string;
	ask(service: Service, found: Found): Promise<Seen>;
	/** What it means for the node if the service says something else than the emulator. */
	follows: string;
}

/** What one question learns for the next ones. */
export interface Found {
	image: string;
	audio: string;
	taskId: string;
}

const MEDIA = join(import.meta.dirname, '../../test/media');
const TIMEOUT_MS = 60_000;

type Asked = Pick<HttpRequest, 'method' | 'json' | 'maxAnswerBytes'> & { path: string };

async function ask(service: Service, { path, ...request }: Asked): Promise<ApiResult> {
	const outcome = await service.send({ ...request, target: { path }, timeoutMs: TIMEOUT_MS });
	if (outcome.answered) return readEnvelope(outcome);
	return { kind: 'unclear', status: 0, text: outcome.text, retryAfter: undefined, data: undefined };
}

function describe(result: ApiResult, describeData: (data: unknown) => string): Seen {
	if (result.kind === 'data') return { value: describeData(result.data) };
	const status = result.status === 0 ? 'no answer' : `HTTP ${result.status}`;
	const kind = { refused: 'refused', rateLimited: 'too many requests', unclear: 'unclear' }[
		result.kind
	];
	return { value: `${kind}, ${status}`, words: result.text };
}

/** What the shipped client makes of it: a value, or the failure that a user would see. */
async function attempt<T>(work: Promise<T>, describeValue: (value: T) => string): Promise<Seen> {
	const done = await settle(work);
	if (done.ok) return { value: describeValue(done.value) };
	// By its fields: tsx may load the module of the class twice.
	const failure = valueAt(done.error, 'failure');
	if (!isRecord(failure)) throw done.error;
	const { kind, httpStatus, message } = failure;
	const status = httpStatus === undefined ? '' : `, HTTP ${String(httpStatus)}`;
	return { value: `${String(kind)}${status}`, words: String(message) };
}

const kindOf = (value: unknown): string =>
	value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;

const budgetOf = ({ api }: Service) => preparationBudget(api.clock);

const usd = (price: number): string => `$${price.toFixed(2)}`;

async function upload({ api }: Service, fileName: string, contentType: string, content: Buffer) {
	const file = { fileName, sha256: fileName, contentType, byteCount: content.length };
	return await uploadFile(api, 'file', {
		...file,
		open: async () => await Promise.resolve(content),
	});
}

async function quoteSilence(service: Service, found: Found, seconds: number): Promise<Seen> {
	const work = async (): Promise<number> => {
		const audio = await upload(
			service,
			`silence-${seconds}.wav`,
			'audio/wav',
			makeSilence(seconds),
		);
		return await quotePrice(service.api, { ...INPUT, image: found.image, audio });
	};
	return await attempt(work(), usd);
}

const INPUT = { image: '', audio: '', prompt: 'A calm speaker', resolution: '480p', seed: 7 };

/** Such as "milliseconds, UTC". */
function describeTime(value: unknown): string {
	if (typeof value !== 'string') return kindOf(value);
	const [, fraction = '', zone = ''] = /T[\d:]+(?:\.(\d+))?(.*)$/.exec(value) ?? [];
	const digits = fraction === '' ? 'whole seconds' : `${fraction.length} digits`;
	return `${digits}, ${zone === '' ? 'no zone' : zone === 'Z' ? 'UTC' : `zone ${zone}`}`;
}

export const FREE_PROBES: Probe[] = [
	{
		name: 'balance',
		follows: 'The credential’s test and Get Balance read `data.balance`.',
		ask: async (service) =>
			describe(await ask(service, { method: 'GET', path: '/api/v3/balance' }), (data) =>
				kindOf(valueAt(data, 'balance')),
			),
	},
	{
		name: 'a wrong key',
		follows: 'Only 401 and 403 are told as a wrong key.',
		ask: async (service) => {
			const send = service.withKey(randomUUID());
			return describe(
				await ask({ ...service, send }, { method: 'GET', path: '/api/v3/balance' }),
				kindOf,
			);
		},
	},
	{
		name: 'the time in the header of answers',
		follows:
			'Without a Date header, a machine with a wrong clock may look for lost tasks in the wrong minutes.',
		ask: async (service) => {
			await ask(service, { method: 'GET', path: '/api/v3/balance' });
			const last = service.exchanges.filter(({ headers }) => headers.date !== undefined).at(-1);
			if (!last) return { value: 'no Date header' };
			const seconds = Math.round((Date.parse(last.headers.date ?? '') - last.at) / 1000);
			if (Math.abs(seconds) <= 5) return { value: 'as on this machine, within 5 s' };
			return { value: `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}` };
		},
	},
	{
		name: 'the signing secret',
		follows: 'The trigger can’t be switched on with a secret in another form.',
		ask: async (service) =>
			await attempt(fetchWebhookSecret(service.api, budgetOf(service)), (secret) =>
				secret.startsWith('whsec_') ? 'a text that begins with whsec_' : 'another text',
			),
	},
	{
		name: 'a task that does not exist',
		follows: 'Wait and Get tell a wrong ID by 404.',
		ask: async (service) =>
			await attempt(getTask(service.api, randomUUID(), budgetOf(service)), ({ status }) => status),
	},
	{
		name: 'deleting a task that does not exist',
		follows: 'Delete tells by the count whether there was anything.',
		ask: async (service) => {
			const path = '/api/v3/predictions/delete';
			const json = { ids: [randomUUID()] };
			return describe(
				await ask(service, { method: 'POST', path, json }),
				(data) => `${String(valueAt(data, 'deleted_count'))} deleted`,
			);
		},
	},
	{
		name: 'the list of tasks, as the node asks for it',
		follows: 'Get Many, and the search for a task whose submit had no answer.',
		ask: async (service) =>
			await attempt(listTasks(service.api, {}, 1), ({ tasks }) => kindOf(tasks)),
	},
	{
		name: 'a list with `include_inputs`: where a task has its inputs',
		follows:
			'With them, lost submits are told apart by what was asked for; without, only if one is in question.',
		ask: async (service) => {
			const json = { page: 1, page_size: 1, model: MODEL_ID, include_inputs: true };
			const result = await ask(service, { method: 'POST', path: PATHS.list, json });
			return describe(result, (data) => {
				const [task] = listAt(data, 'items');
				if (!isRecord(task)) return 'no task to see: make a video and ask again';
				const names = ['input', 'inputs'].filter((name) => isRecord(task[name]));
				return names.length === 0 ? 'nowhere' : names.join(' and ');
			});
		},
	},
	{
		name: 'a list without it',
		follows: 'If inputs are there anyhow, the flag is not needed.',
		ask: async (service) => {
			const json = { page: 1, page_size: 1, model: MODEL_ID };
			const result = await ask(service, { method: 'POST', path: PATHS.list, json });
			return describe(result, (data) => {
				const [task] = listAt(data, 'items');
				if (!isRecord(task)) return 'no task to see: make a video and ask again';
				const names = ['input', 'inputs'].filter((name) => isRecord(task[name]));
				const inputs = names.length === 0 ? 'no inputs' : names.join(' and ');
				return `${inputs}; created_at with ${describeTime(task.created_at)}`;
			});
		},
	},
	{
		name: 'a list page of 1000',
		follows: 'The node asks for 100; pages that are shorter than asked for must not end a search.',
		ask: async (service) => {
			const json = { page: 1, page_size: 1_000, model: MODEL_ID };
			return describe(
				await ask(service, { method: 'POST', path: PATHS.list, json }),
				() => 'a page',
			);
		},
	},
	{
		name: 'a list of tasks with the status "pending"',
		follows: 'Get Many offers only the statuses that are documented.',
		ask: async (service) => {
			const json = { page: 1, page_size: 1, model: MODEL_ID, status: 'pending' };
			return describe(await ask(service, { method: 'POST', path: PATHS.list, json }), (data) =>
				listAt(data, 'items').length === 0 ? 'an empty list' : 'tasks',
			);
		},
	},
	{
		name: 'a submit without inputs',
		follows: 'Refusals of a submit are told at once; anything else would be searched for.',
		// Refused before anything could be made: both inputs are required.
		ask: async (service) => {
			const json = { prompt: 'nothing' };
			return describe(
				await ask(service, { method: 'POST', path: PATHS.submit, json }),
				() => 'ACCEPTED: look at wavespeed.ai what it costs',
			);
		},
	},
	{
		name: 'a submit without inputs and with an unknown key: what is complained about',
		follows:
			'If it is the unknown key, misspelt keys are refused; else they are dropped, and the rest is billed.',
		ask: async (service) => {
			const json = { prompt: 'nothing', no_such_key: 1 };
			const result = await ask(service, { method: 'POST', path: PATHS.submit, json });
			const seen = describe(result, () => 'ACCEPTED: look at wavespeed.ai what it costs');
			const isKey = /no_such_key|unknown|unsupported|additional/i.test(seen.words ?? '');
			return { ...seen, value: `${seen.value}, ${isKey ? 'the unknown key' : 'the inputs'}` };
		},
	},
	{
		name: 'an upload ticket without a content type',
		follows: 'The node always names one; other clients leave it out.',
		ask: async (service) => {
			const json = { filename: 'voice.wav', size: 1_000 };
			return describe(await ask(service, { method: 'POST', path: PATHS.ticket, json }), (data) => {
				const headers = valueAt(data, 'upload', 'headers');
				const names = Object.keys(isRecord(headers) ? headers : {});
				return `a ticket, ${names.some((name) => /^content-type$/i.test(name)) ? 'with' : 'without'} a type`;
			});
		},
	},
	{
		name: 'the uploads of picture and voice',
		follows: 'Files of the workflow could not be sent.',
		ask: async (service, found) => {
			const work = async (): Promise<string> => {
				const [picture, voice] = await Promise.all(
					['portrait.png', 'speech.mp3'].map(async (name) => await readFile(join(MEDIA, name))),
				);
				found.image = await upload(
					service,
					'portrait.png',
					'image/png',
					picture ?? Buffer.alloc(0),
				);
				found.audio = await upload(service, 'speech.mp3', 'audio/mpeg', voice ?? Buffer.alloc(0));
				return 'two addresses';
			};
			return await attempt(work(), String);
		},
	},
	{
		name: 'the uploaded picture, without the key',
		follows: 'Uploads are public addresses that anybody can read who knows them.',
		ask: async (service, { image }) => {
			if (image === '') return { value: 'no upload to see' };
			const target = { url: image };
			const request = { method: 'GET', target, timeoutMs: TIMEOUT_MS, maxAnswerBytes: 1 } as const;
			const outcome = await service.send(request);
			if (!outcome.answered) return { value: 'no answer', words: outcome.text };
			return { value: `HTTP ${outcome.status}, ${outcome.headers['content-type'] ?? 'no type'}` };
		},
	},
	...['480p', '720p'].map((resolution) => ({
		name: `the price of five seconds at ${resolution}`,
		follows: 'Cost limits use what the service says; docs and examples name the price.',
		ask: async (service: Service, { image, audio }: Found) =>
			await attempt(quotePrice(service.api, { ...INPUT, image, audio, resolution }), usd),
	})),
	...[1, 121, 601].map((seconds) => ({
		name: `the price of a recording of ${seconds} s`,
		follows: {
			1: 'At least 3 seconds are billed (docs/limits.md).',
			121: 'Whether more than 120 s can be made (docs/limits.md, and the hint about long recordings).',
			601: 'Whether the bill is capped at 600 s (docs/limits.md).',
		}[seconds] as string,
		ask: async (service: Service, found: Found) => await quoteSilence(service, found, seconds),
	})),
	{
		name: 'the price without a voice',
		follows: 'A quote that ignores the voice is no cost limit.',
		ask: async (service) => {
			const json = { model_id: MODEL_ID, inputs: { resolution: '480p' } };
			return describe(await ask(service, { method: 'POST', path: PATHS.price, json }), (data) => {
				const price = valueAt(data, 'discounted_price') ?? valueAt(data, 'price');
				return typeof price === 'number' ? usd(price) : kindOf(price);
			});
		},
	},
	{
		name: 'the model in the catalogue: its parameters (* required)',
		follows: 'The node’s fields are these.',
		ask: async (service) => {
			const request = {
				method: 'GET',
				path: '/api/v3/models',
				maxAnswerBytes: 32 * 1024 ** 2,
			} as const;
			return describe(await ask(service, request), (data) => {
				const model = listAt(data).find((one) => valueAt(one, 'model_id') === MODEL_ID);
				const schema = valueAt(model, 'api_schema', 'api_schemas', 0, 'request_schema');
				if (!isRecord(schema)) return 'not found';
				const required = listAt(schema, 'required');
				const names = Object.keys(isRecord(schema.properties) ? schema.properties : {}).sort();
				const marked = names.map((name) => (required.includes(name) ? `${name}*` : name));
				return `${marked.join(' ')}, others ${schema.additionalProperties === false ? 'not ' : ''}allowed`;
			});
		},
	},
];

const CHECK_EVERY_MS = 5_000;

/** Spends money: one POST, never repeated. */
export const PAID_PROBES: Probe[] = [
	{
		name: 'the submit of a video',
		follows: 'If it is not accepted at once, Generate searches for it.',
		ask: async (service, found) => {
			const permit = await service.api.readGate.enter(service.api);
			const { image, audio } = found;
			const outcome = await submitTask(service.api, permit, { ...INPUT, image, audio }, undefined);
			if (outcome.kind !== 'accepted') {
				return {
					value: outcome.kind,
					words: 'text' in outcome ? outcome.text : toMessage(outcome.failure).message,
				};
			}
			found.taskId = outcome.task.id;
			const echo = outcome.task.input === null ? 'without' : 'with';
			return { value: `accepted, ${echo} its inputs` };
		},
	},
	{
		name: 'the new task in the list at once',
		follows: 'If it takes longer, the search after a lost answer has to begin later.',
		ask: async (service, { taskId }) =>
			await attempt(listTasks(service.api, {}, 1), ({ tasks }) => {
				const task = tasks.find(({ id }) => id === taskId);
				if (!task) return 'not yet';
				return task.input === null ? 'there, without its inputs' : 'there, with its inputs';
			}),
	},
	{
		name: 'the statuses until its end, and what is there then',
		follows: 'Statuses that nobody documented count as running.',
		ask: async (service, { taskId }) => {
			const { clock } = service.api;
			const statuses = new Set<string>();
			const work = async (): Promise<string> => {
				for (;;) {
					const task = await getTask(service.api, taskId, budgetOf(service));
					statuses.add(task.status);
					if (phaseOf(task) !== 'running') {
						const echo = task.input === null ? 'no inputs' : 'its inputs';
						return `${task.status}, ${task.videoUrls.length} video, ${echo}`;
					}
					await clock.sleep(CHECK_EVERY_MS);
				}
			};
			const seen = await attempt(work(), String);
			return { ...seen, words: [...statuses].join(', ') };
		},
	},
];

export const newFindings = (): Found => ({ image: '', audio: '', taskId: '' });

/** Asks one question after the other. One that can't be asked says so, and the next ones go on. */
export async function askAll(
	service: Service,
	probes: Probe[],
	found: Found,
): Promise<Map<string, Seen>> {
	const all = new Map<string, Seen>();
	for (const probe of probes) {
		service.begin(probe.name);
		const asked = await settle(probe.ask(service, found));
		if (!asked.ok && !(asked.error instanceof Error)) throw asked.error;
		all.set(
			probe.name,
			asked.ok ? asked.value : { value: 'broke off', words: (asked.error as Error).message },
		);
	}
	return all;
}
