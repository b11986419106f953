import { setImmediate } from 'node:timers/promises';
import { addUpload } from './api/uploads.mts';
import { newSecret, type Task, type World } from './state.mts';
import { advance, completeTask, endTask, isEnded, spentUsd } from './tasks.mts';
import type { Emulator, EmulatorTask } from './types.mts';
import { deliver } from './webhooks.mts';

/** What a test sees and does from outside, beside the HTTP API. */
export function createControls(
	world: World,
	{ close, setReachable }: Pick<Emulator, 'close' | 'setReachable'>,
): Emulator {
	const find = (id: string): Task => {
		advance(world);
		const task = world.tasks.find((one) => one.id === id);
		if (!task) throw new Error(`no task ${id}`);
		return task;
	};
	return {
		url: world.url,
		mediaUrl: world.mediaUrl,
		apiKey: world.apiKey,
		get webhookSecret() {
			return world.webhookSecret;
		},
		tasks: () => {
			advance(world);
			return world.tasks.map(toPublicTask);
		},
		paidTasks: () => world.tasks.length,
		spentUsd: () => {
			advance(world);
			return spentUsd(world);
		},
		maxInFlight: () => world.maxInFlight,
		requests: () => [...world.requests],
		uploads: () => [...world.uploadRecords],
		addUpload: async (filename, contentType, bytes) =>
			await addUpload(world, filename, contentType, bytes),
		inFlightRequests: () => world.inFlightRequests,
		addFault: (fault) => void world.faults.push({ ...fault }),
		clearFaults: () => void (world.faults.length = 0),
		onRequest: (step, call) => {
			const hook = { step, call };
			world.hooks.add(hook);
			return () => void world.hooks.delete(hook);
		},
		setReachable,
		setTask: (id, patch) => {
			const task = find(id);
			Object.assign(task, patch);
			if (patch.status === undefined) return;
			task.held = true;
			const now = world.clock.now();
			if (patch.status === 'completed' && !patch.outputs) completeTask(world, task, now);
			else if (isEnded(task)) endTask(world, task, now, { status: task.status });
		},
		finishTask: (id) => completeTask(world, find(id), world.clock.now()),
		failTask: (id, failure) =>
			endTask(world, find(id), world.clock.now(), { status: 'failed', ...failure }),
		rotateWebhookSecret: () => (world.webhookSecret = newSecret()),
		deliverWebhook: async (id, overrides = {}) => {
			const task = find(id);
			const url = overrides.url ?? task.webhookUrl;
			if (url === undefined) throw new Error(`task ${id} has no webhook`);
			return [{ status: await deliver(world, task, url, 1, overrides) }];
		},
		webhookDeliveries: () => [...world.deliveries],
		idle: async () => {
			// A virtual clock wakes sleepers in microtasks: let them run before counting.
			do await setImmediate();
			while (world.awake > 0 && !world.closing.signal.aborted);
		},
		close,
	};
}

function toPublicTask(task: Task): EmulatorTask {
	const { id, status, input, webhookUrl, createdAt, endedAt, priceUsd } = task;
	const { outputs, error, code, deleted } = task;
	return {
		id,
		status,
		input: { ...input },
		webhookUrl,
		createdAt,
		endedAt,
		priceUsd,
		outputs: [...outputs],
		error,
		code,
		deleted,
	};
}
