import type { FastifyInstance } from 'fastify';
import { isRecord, refusal, success } from '../answers.mts';
import { addRoute } from '../exchange.mts';
import {
	API_PATH,
	isKept,
	MODEL_ID,
	OLD_API_PATH,
	toPrediction,
	usualEcho,
} from '../predictions.mts';
import type { Task, World } from '../state.mts';
import { isEnded, settle } from '../tasks.mts';

const MOST_PER_PAGE = 100;

/** Result, list and delete (WaveSpeedAI docs, Get Result, Predictions API, Delete Task). */
export function addPredictions(app: FastifyInstance, world: World): void {
	for (const api of [API_PATH, OLD_API_PATH]) {
		addRoute(app, world, {
			method: 'GET',
			url: `${api}/predictions/:id/result`,
			step: 'result',
			answer: async ({ request }) => {
				await settle(world);
				const { id } = request.params as { id: string };
				const task = world.tasks.find((one) => one.id === id);
				if (!task || !isKept(world, task)) throw refusal(404, 'prediction not found');
				return success(toPrediction(world, task, usualEcho(world)));
			},
		});
	}

	addRoute(app, world, {
		method: 'POST',
		url: `${API_PATH}/predictions`,
		step: 'list',
		answer: async ({ request }) => {
			const { page, pageSize: asked, matches, withInputs } = checkQuery(world, request.body);
			const pageSize = Math.min(asked, world.options.maxPageSize ?? asked);
			const echoAs = withInputs ? 'inputs' : usualEcho(world);
			await settle(world);
			const found = world.tasks
				.filter((task) => isKept(world, task) && !task.deleted && matches(task))
				.reverse()
				.slice((page - 1) * pageSize, page * pageSize);
			// Without `total`, which only older pages of the docs mention.
			return success({ page, items: found.map((task) => toPrediction(world, task, echoAs)) });
		},
	});

	addRoute(app, world, {
		method: 'POST',
		url: `${API_PATH}/predictions/delete`,
		step: 'delete',
		answer: async ({ request }) => {
			const ids = isRecord(request.body) ? request.body.ids : undefined;
			if (!Array.isArray(ids) || ids.length === 0 || !ids.every((id) => typeof id === 'string')) {
				throw refusal(400, 'ids must be a list of prediction ids');
			}
			await settle(world);
			const found = world.tasks.filter((task) => ids.includes(task.id) && !task.deleted);
			for (const task of found) deleteTask(world, task);
			return success({ deleted_count: found.length });
		},
	});
}

/** Deletes the record, not the charge: there is no way to cancel a task. */
function deleteTask(world: World, task: Task): void {
	if (!isEnded(task)) task.endedAt = world.clock.now();
	task.status = 'deleted';
	task.deleted = true;
	task.outputs = [];
	task.wake.abort();
}

function checkQuery(world: World, body: unknown) {
	if (!isRecord(body)) throw refusal(400, 'the body must be a JSON object');
	const { model, status } = body;
	const { includeInputs = 'honoured' } = world.options;
	if (body.include_inputs !== undefined && includeInputs === 'refused') {
		throw refusal(400, 'property "include_inputs" is unsupported');
	}
	const withInputs = body.include_inputs === true && includeInputs === 'honoured';
	const page = checkCount(body, 'page', Number.MAX_SAFE_INTEGER);
	const pageSize = checkCount(body, 'page_size', MOST_PER_PAGE);
	const after = checkTime(body, 'created_after') ?? -Infinity;
	const before = checkTime(body, 'created_before') ?? Infinity;
	for (const name of ['model', 'status']) {
		const value = body[name];
		if (value !== undefined && typeof value !== 'string') {
			throw refusal(400, `${name} must be a string`);
		}
	}
	const matches = (task: Task) =>
		(model === undefined || model === MODEL_ID) &&
		(status === undefined || status === task.status) &&
		task.createdAt >= after &&
		task.createdAt <= before;
	return { page, pageSize, matches, withInputs };
}

function checkCount(body: Record<string, unknown>, name: string, most: number): number {
	const value = body[name];
	if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) {
		return value;
	}
	throw refusal(
		400,
		`${name} must be an integer from 1${most === MOST_PER_PAGE ? ` to ${most}` : ''}`,
	);
}

function checkTime(body: Record<string, unknown>, name: string): number | undefined {
	const value = body[name];
	if (value === undefined) return undefined;
	const isTime = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value);
	const ms = isTime ? Date.parse(value) : NaN;
	if (Number.isNaN(ms)) throw refusal(400, `${name} must be an RFC 3339 time`);
	return ms;
}
