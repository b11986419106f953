import fc from 'fast-check';

import { type ApiContext, preparationBudget } from '../../nodes/shared/wavespeed/http/request';
import { resultPath } from '../../nodes/shared/wavespeed/endpoints';
import type { HttpOutcome } from '../../nodes/shared/wavespeed/http/types';
import { failureInWords } from '../unit/support/words.mts';
import { expiresAt, parseTask, readTaskId } from '../../nodes/shared/wavespeed/tasks/task';
import { uploadFile } from '../../nodes/shared/wavespeed/media/upload';
import { waitForTask } from '../../nodes/shared/wavespeed/tasks/waitForTask';
import { fetchWebhookSecret } from '../../nodes/shared/wavespeed/webhooks/secret';
import { readSignature } from '../../nodes/shared/wavespeed/webhooks/signature';
import { answer, createPermit, createRig, rawTask } from '../unit/support/api.mts';
import { nastyJson, nastyText } from './support/arbitraries.mts';
import { checkNoPollution, checkText } from './support/invariants.mts';
import { howOften } from './support/runs.mts';
import { getTask } from '../../nodes/shared/wavespeed/tasks/getTask';
import { listTasks } from '../../nodes/shared/wavespeed/tasks/listTasks';
import { quotePrice } from '../../nodes/shared/wavespeed/tasks/quotePrice';
import { submitTask } from '../../nodes/shared/wavespeed/tasks/submitTask';
import { settle } from '../../nodes/shared/async/settle';

/** The client alone, with answers that no server would give: a value or a failure in words, and an end. */

const input = {
	image: 'https://a/b',
	audio: 'https://a/c',
	prompt: '',
	resolution: '480p',
	seed: 1,
};
const file = {
	sha256: 'file',
	fileName: 'a.png',
	contentType: 'image/png',
	byteCount: 1,
	open: async () => await Promise.resolve(Buffer.from('x')),
};

const calls: Record<string, (api: ApiContext) => Promise<unknown>> = {
	getTask: async (api) => await getTask(api, 'task', preparationBudget(api.clock)),
	listTasks: async (api) => await listTasks(api, {}, 1),
	quotePrice: async (api) => await quotePrice(api, input),
	submitTask: async (api) => await submitTask(api, createPermit(), input, undefined),
	uploadFile: async (api) => await uploadFile(api, 'image', file),
	fetchWebhookSecret: async (api) => await fetchWebhookSecret(api, preparationBudget(api.clock)),
	waitForTask: async (api) =>
		await waitForTask(api, 'task', { timeoutMs: 60_000, minGapMs: 5_000, firstGapMs: 0 }),
};

const taskArbitrary = fc
	.dictionary(
		fc.constantFrom('id', 'status', 'outputs', 'created_at', 'error', 'code', 'timings', 'input'),
		nastyJson,
	)
	.map((patch) => ({ ...rawTask('task', 'completed'), ...patch }));

const bodyArbitrary = fc.oneof(
	taskArbitrary.map((data) => ({ code: 200, data })),
	taskArbitrary.map((item) => ({ code: 200, data: { items: [item] } })),
	fc.record({
		code: nastyJson,
		message: nastyJson,
		error: nastyJson,
		error_code: nastyJson,
		data: nastyJson,
	}),
	fc.record({ code: fc.constant(200), data: fc.dictionary(fc.string(), nastyJson) }),
	nastyJson,
);

const outcomeArbitrary: fc.Arbitrary<HttpOutcome> = fc.oneof(
	fc
		.record({
			status: fc.constantFrom(200, 200, 200, 204, 302, 400, 401, 404, 405, 408, 429, 500, 503),
			body: bodyArbitrary,
			headers: fc.dictionary(fc.constantFrom('retry-after', '__proto__', 'x'), nastyText),
		})
		.map(({ status, body, headers }) => answer(status, JSON.stringify(body) ?? '', headers)),
	nastyText.map((text) => answer(200, text)),
);

const { runs, timeoutMs } = howOften(400);

test(
	'every call ends with a value or with a failure in words',
	async () => {
		const play = async (name: string, outcomes: HttpOutcome[]): Promise<void> => {
			const rig = createRig(outcomes);
			const outcome = await rig.time.run(settle(calls[name]!(rig.api)));
			checkNoPollution();
			if (outcome.ok) return void JSON.stringify(outcome.value);
			const failure = failureInWords(outcome.error);
			checkText(failure.message);
			checkText(failure.advice);
		};
		const property = fc.asyncProperty(
			fc.constantFrom(...Object.keys(calls)),
			fc.array(outcomeArbitrary, { minLength: 1, maxLength: 4 }),
			play,
		);
		await fc.assert(property, runs);
	},
	timeoutMs,
);

test('a task is read or refused, whatever it is made of', () => {
	const property = fc.property(fc.oneof(taskArbitrary, nastyJson), (data) => {
		const task = parseTask(data);
		if (!task) return;
		expect(task.id).toBe(readTaskId(task.id));
		const day = expiresAt(task);
		if (day !== null) expect(new Date(day).toISOString()).toBe(day);
		for (const url of task.videoUrls) expect(new URL(url).protocol).toMatch(/^https?:$/);
		if (task.status !== '') checkText(task.status);
	});
	fc.assert(property, runs);
});

test('an ID stays within its place in the path', () => {
	const property = fc.property(fc.oneof(nastyText, fc.string({ unit: 'binary' })), (text) => {
		const id = readTaskId(text);
		if (id === undefined) return;
		const { pathname, search, hash } = new URL(resultPath(id), 'https://api.example');
		expect(pathname).toBe(`/api/v3/predictions/${encodeURIComponent(id)}/result`);
		expect(search + hash).toBe('');
	});
	fc.assert(property, runs);
});

test('headers of a callback are read without a mistake, whatever they hold', () => {
	const headers = fc.dictionary(
		fc.constantFrom('webhook-id', 'webhook-timestamp', 'webhook-signature'),
		fc.oneof(nastyJson, fc.constant('v3,'), fc.integer().map(String)),
	);
	const property = fc.property(headers, fc.double(), (given, now) => {
		expect(typeof readSignature(given, now, 300).ok).toBe('boolean');
	});
	fc.assert(property, runs);
});
