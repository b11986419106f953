import { limitsOf } from './limits.mts';
import { BASE_PRICE_USD } from './price.mts';
import { fetchInputs, START_MS } from './taskInputs.mts';
import { newId, type Task, type World } from './state.mts';
import type { TaskInput } from './types.mts';

/** WaveSpeedAI docs, Refund Policy: failed tasks are refunded "within 3 hours". */
const REFUND_AFTER_MS = 3 * 3_600_000;

/** Statuses after which nothing changes; `deleted` is in the newest documentation only. */
const ENDED = ['completed', 'failed', 'cancelled', 'canceled', 'timeout', 'deleted'];

export function isEnded(task: Task): boolean {
	return ENDED.includes(task.status);
}

/** Accepts (and charges) a task. The price is a guess until the audio was measured. */
export function acceptTask(
	world: World,
	input: TaskInput,
	webhookUrl: string | undefined,
	priceUsd: number | undefined,
): Task {
	const task: Task = {
		id: newId(),
		status: 'created',
		input,
		webhookUrl,
		createdAt: world.clock.now(),
		priceUsd: priceUsd ?? BASE_PRICE_USD,
		outputs: [],
		error: '',
		deleted: false,
		media: Promise.resolve(),
		held: false,
		wake: new AbortController(),
		refunded: false,
	};
	world.tasks.push(task);
	startWaiting(world, task.createdAt);
	world.maxInFlight = Math.max(world.maxInFlight, inFlight(world));
	return task;
}

/** Tasks that were accepted and haven't ended, waiting ones included. */
export function inFlight(world: World): number {
	return world.tasks.filter((task) => !isEnded(task)).length;
}

/** Brings every task to the present. Statuses follow from the clock when somebody looks: no timer runs. */
export function advance(world: World): void {
	const now = world.clock.now();
	for (;;) {
		const due = moving(world)
			.filter((task) => endsAt(task) <= now)
			.sort((a, b) => endsAt(a) - endsAt(b))[0];
		if (!due) break;
		const at = endsAt(due);
		if (due.mediaFailure === undefined) completeTask(world, due, at);
		else endTask(world, due, at, { status: 'failed', error: due.mediaFailure, code: 1402 });
	}
	for (const task of moving(world)) {
		const createdMs = Math.min(START_MS / world.speed, (task.durationMs ?? Infinity) / 2);
		if (now >= (task.startedAt ?? Infinity) + createdMs) task.status = 'processing';
	}
	for (const task of world.tasks) {
		const isDue = now >= (task.endedAt ?? Infinity) + REFUND_AFTER_MS;
		if (isDue && ['failed', 'timeout'].includes(task.status)) task.refunded = true;
	}
}

/** advance(), and with a virtual clock first the end of the downloads that a later status depends on. */
export async function settle(world: World): Promise<void> {
	advance(world);
	while (world.virtual) {
		const unknown = moving(world).filter((task) => task.durationMs === undefined);
		if (unknown.length === 0) break;
		await Promise.all(unknown.map((task) => task.media));
		advance(world);
	}
}

/** Milliseconds until something may change for this task; undefined while only a hand can change it. */
export function msToNextChange(world: World, task: Task): number | undefined {
	if (task.held) return undefined;
	const ends = (task.startedAt === undefined ? moving(world) : [task]).map(endsAt);
	const next = Math.min(...ends) - world.clock.now();
	// Media that aren't fetched yet: look again soon. Only real time gets here.
	return Number.isFinite(next) ? Math.max(next, 0) : 100;
}

export function completeTask(world: World, task: Task, at: number): void {
	const url = `${world.mediaUrl}/outputs/${task.id}/${task.id.slice(0, 8)}.mp4`;
	// Outputs that were set by hand stay.
	const outputs = task.outputs.length > 0 ? task.outputs : [url];
	endTask(world, task, at, { status: 'completed', error: '', outputs });
}

export function endTask(
	world: World,
	task: Task,
	at: number,
	end: { status: string; error?: string; code?: number; outputs?: unknown[] },
): void {
	Object.assign(task, end, { endedAt: at });
	task.wake.abort();
	startWaiting(world, at);
}

/** Charges minus refunds. */
export function spentUsd(world: World): number {
	const charged = world.tasks.filter((task) => !task.refunded);
	return Math.round(charged.reduce((sum, task) => sum + task.priceUsd, 0) * 100) / 100;
}

function moving(world: World): Task[] {
	return world.tasks.filter((task) => task.startedAt !== undefined && !isEnded(task) && !task.held);
}

function endsAt(task: Task): number {
	return (task.startedAt ?? Infinity) + (task.durationMs ?? Infinity);
}

/** Gives free places to those that wait longest. */
function startWaiting(world: World, at: number): void {
	const places = limitsOf(world.options.accountLevel ?? 'ultra').inFlight;
	for (const task of world.tasks) {
		if (task.startedAt !== undefined || isEnded(task)) continue;
		const running = world.tasks.filter((other) => other.startedAt !== undefined && !isEnded(other));
		if (running.length >= places) return;
		task.startedAt = at;
		task.media = fetchInputs(world, task);
	}
}
