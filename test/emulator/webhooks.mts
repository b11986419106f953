import { createHmac } from 'node:crypto';
import axios from 'axios';
import { tell } from './exchange.mts';
import { spoilCallback, takeFault } from './faults.mts';
import { proxyFor } from './loopback.mts';
import { toPrediction } from './predictions.mts';
import { newId, type Task, type World } from './state.mts';
import { isEnded, msToNextChange, settle } from './tasks.mts';
import type { RecordedRequest, WebhookOverrides } from './types.mts';

/** "Up to 3 retries with exponential backoff" (WaveSpeedAI docs, Webhooks). */
const MOST_RETRIES = 3;
const DEFAULT_RETRY_DELAYS_SECONDS = [5, 30, 120];
/** Real time: the receiver is real. */
const ANSWER_TIMEOUT_MS = 30_000;

/** Waits for the end of a task that has a webhook, then delivers until somebody answers 2xx. */
export function watchTask(world: World, task: Task): void {
	if (task.webhookUrl === undefined) return;
	world.awake += 1;
	void deliverAtEnd(world, task, task.webhookUrl)
		.catch(() => undefined)
		.finally(() => (world.awake -= 1));
}

async function deliverAtEnd(world: World, task: Task, url: string): Promise<void> {
	while (!isEnded(task)) {
		if (!world.virtual && task.startedAt !== undefined) {
			await Promise.race([task.media, aborted(task.wake.signal)]);
		}
		await settle(world);
		if (isEnded(task)) break;
		await nap(world, msToNextChange(world, task), task.wake.signal);
		if (world.closing.signal.aborted) return;
	}
	// Documented for these two statuses only.
	if (task.status !== 'completed' && task.status !== 'failed') return;
	const delays = world.options.webhookRetryDelaysSeconds ?? DEFAULT_RETRY_DELAYS_SECONDS;
	const id = `msg_${newId()}`;
	for (let attempt = 1; ; attempt += 1) {
		const status = await deliver(world, task, url, attempt, { id });
		if (status >= 200 && status < 300) return;
		const delay = delays[attempt - 1];
		if (delay === undefined || attempt > MOST_RETRIES) return;
		await nap(world, (delay * 1000) / world.speed, new AbortController().signal);
		if (world.closing.signal.aborted) return;
	}
}

/** Sleeps on the clock, not counted as awake meanwhile. Without a time: until the signal. */
async function nap(world: World, ms: number | undefined, signal: AbortSignal): Promise<void> {
	const either = AbortSignal.any([signal, world.closing.signal]);
	world.awake -= 1;
	try {
		await Promise.race(
			[ms === undefined ? undefined : world.clock.sleep(ms, either), aborted(either)].filter(
				Boolean,
			),
		);
	} catch {
		// A clock may reject an aborted sleep; the state says what happened.
	} finally {
		world.awake += 1;
	}
}

function aborted(signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) return resolve();
		signal.addEventListener('abort', () => resolve(), { once: true });
	});
}

/** One delivery; returns the receiver's status, 0 if there was no answer. */
export async function deliver(
	world: World,
	task: Task,
	url: string,
	attempt: number,
	overrides: WebhookOverrides,
): Promise<number> {
	const id = overrides.id ?? `msg_${newId()}`;
	const now = world.localClock.now();
	const seconds = Math.floor(world.clock.now() / 1000);
	const timestamp = String(overrides.timestamp ?? seconds);
	const prediction = toPrediction(world, task, 'input');
	const content = overrides.body ?? prediction;
	let body = typeof content === 'string' ? content : JSON.stringify(content);
	const record: RecordedRequest = {
		at: now,
		origin: 'api',
		method: 'POST',
		path: url,
		query: {},
		headers: {},
		body: content,
		step: 'webhook',
	};
	await tell(world, 'webhook', record);
	const fault = takeFault(world.faults, 'webhook', record);
	if (fault) body = spoilCallback(fault, body);
	const secret = overrides.secret ?? world.webhookSecret;
	const signature = overrides.signature ?? sign(secret, id, timestamp, body);
	const isLost = fault?.kind === 'resetBefore' || fault?.kind === 'hang';
	const answered = isLost
		? 0
		: await post(world, overrides.url ?? url, body, {
				'content-type': 'application/json',
				'user-agent': 'wavespeed-emulator',
				'webhook-id': id,
				'webhook-timestamp': timestamp,
				...(overrides.signature !== null && { 'webhook-signature': signature }),
			});
	// Delivered, but the service takes it for failed and sends again: how duplicates come about.
	const status = fault?.kind === 'resetAfter' || fault?.kind === 'hangAfter' ? 0 : answered;
	world.deliveries.push({ taskId: task.id, webhookId: id, url, attempt, at: now, status });
	return status;
}

/** WaveSpeedAI docs, Verify Webhooks: the key is the text after `whsec_` as it is, not base64-decoded. */
export function sign(secret: string, id: string, timestamp: string, body: string): string {
	const key = secret.replace(/^whsec_/, '');
	const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('hex');
	return `v3,${digest}`;
}

async function post(
	world: World,
	url: string,
	body: string,
	headers: Record<string, string>,
): Promise<number> {
	try {
		const { status } = await axios.post<unknown>(url, Buffer.from(body), {
			headers,
			timeout: ANSWER_TIMEOUT_MS,
			maxRedirects: 0,
			proxy: proxyFor(url),
			validateStatus: () => true,
			signal: world.closing.signal,
		});
		return status;
	} catch {
		return 0;
	}
}
