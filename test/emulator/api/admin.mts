import type { FastifyInstance } from 'fastify';
import { isRecord } from '../answers.mts';
import { emptyState, type World } from '../state.mts';
import { settle, spentUsd } from '../tasks.mts';
import { FAULT_KINDS, OTHER_STEPS, OUTAGES, STEPS, type Fault } from '../types.mts';

/** For people: what happened so far, and buttons to press with curl. No key: the emulator listens on this machine only. */
export function addAdmin(app: FastifyInstance, world: World): void {
	app.get('/_emulator', async (request, reply) => {
		await settle(world);
		if (!request.headers.accept?.includes('text/html')) return statusOf(world);
		return reply.type('text/html').send(pageOf(world));
	});

	app.get('/_emulator/requests', () => world.requests);

	app.post('/_emulator/faults', (request, reply) => {
		const fault = readFault(request.body);
		if (typeof fault === 'string') return reply.code(400).send({ message: fault });
		world.faults.push(fault);
		return { faults: world.faults.filter((one) => (one.times ?? 1) > 0).length };
	});

	app.post('/_emulator/reset', () => {
		for (const task of world.tasks) task.wake.abort();
		const { awake, inFlightRequests, hooks } = world;
		Object.assign(world, emptyState(), { awake, inFlightRequests, hooks });
		return { reset: true };
	});
}

function statusOf(world: World) {
	return {
		url: world.url,
		mediaUrl: world.mediaUrl,
		tasks: world.tasks.map(({ id, status, input, priceUsd, outputs, error }) => {
			return { id, status, input, priceUsd, outputs, error };
		}),
		paidTasks: world.tasks.length,
		spentUsd: spentUsd(world),
		uploads: world.uploadRecords,
	};
}

function pageOf(world: World): string {
	const rows = [...world.tasks].reverse().map((task) => {
		const [video] = task.outputs;
		const shown =
			typeof video === 'string'
				? `<a href="${escapeHtml(video)}"><video src="${escapeHtml(video)}" height="160" controls></video></a>`
				: escapeHtml(task.error);
		const created = new Date(task.createdAt).toISOString();
		const cells = [created, task.id, task.status, `$${task.priceUsd.toFixed(2)}`].map(escapeHtml);
		return `<tr>${[...cells, shown].map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
	});
	return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<title>WaveSpeed API emulator</title><style>body{font:15px system-ui;margin:2rem}td,th{padding:.4rem .8rem;text-align:left;vertical-align:top}</style></head>
<body><h1>WaveSpeed API emulator</h1><p>${world.tasks.length} tasks, $${spentUsd(world).toFixed(2)} spent (no real money),
${world.uploadRecords.length} uploads, ${world.requests.length} requests (<a href="/_emulator/requests">list</a>)</p>
<table><tr><th>created</th><th>task</th><th>status</th><th>price</th><th>video</th></tr>${rows.join('\n')}</table></body></html>`;
}

function escapeHtml(text: string): string {
	return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

/** A fault from JSON, or what is wrong with it. `times` "Infinity" stands for always; `when` is a function and can't be sent. */
function readFault(body: unknown): Fault | string {
	if (!isRecord(body)) return 'send a JSON object';
	const steps = [...STEPS, ...OTHER_STEPS, ...OUTAGES];
	const step = steps.find((one) => one === body.step);
	const kind = FAULT_KINDS.find((one) => one === body.kind);
	if (!step) return `step must be one of ${steps.join(', ')}`;
	if (!kind) return `kind must be one of ${FAULT_KINDS.join(', ')}`;
	const numbers = ['status', 'times', 'skip', 'seconds'];
	const odd = numbers.find((name) => body[name] !== undefined && Number.isNaN(Number(body[name])));
	if (odd) return `${odd} must be a number`;
	const number = (name: string) => (body[name] === undefined ? undefined : Number(body[name]));
	const text = (name: string) => (body[name] === undefined ? undefined : String(body[name]));
	return {
		step,
		kind,
		status: number('status'),
		times: number('times'),
		skip: number('skip'),
		seconds: number('seconds'),
		retryAfter: text('retryAfter'),
		location: text('location'),
		body: body.body,
		afterAccept: body.afterAccept === true ? true : undefined,
	};
}
