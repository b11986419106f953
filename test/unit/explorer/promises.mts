import { taskIdsOf } from '../../../nodes/shared/batch/ledger';
import type { ServiceTask } from '../support/service.mts';
import { repeatsSeeds } from './schedule.mts';
import { type AskedRow, senderOf, type World } from './world.mts';

/** What must hold whatever happens. Each function returns what is broken, in words. */

const MINUTE = 60_000;
const LONGEST_RUN_MS = 48 * 60 * MINUTE;
/** A submit that is under way when Stop comes is allowed to end. */
const LONGEST_STOP_MS = 121_000;

export const PROMISES: Record<string, (world: World) => string[]> = {
	'no row is paid for twice': findPaidTwice,
	'no row hands out the video of another': findStrangers,
	'every accepted task is named somewhere': findUnnamed,
	'an error that ends a run names all its tasks and open submits': (world) =>
		attemptsOf(world).flatMap(({ missing }) => missing),
	'"nothing was paid" is true': findFalseComfort,
	'the limits of account and node hold': findExcesses,
	'a run costs no more than it may': findOverspent,
	'Stop means stop': findUnstopped,
	'everything ends in time': (world) =>
		attemptsOf(world)
			.filter(({ startedAt, endedAt }) => (endedAt ?? Infinity) - startedAt > LONGEST_RUN_MS)
			.map(({ startedAt }) => `an attempt that began at ${startedAt}`),
};

export function findBroken(world: World): string[] {
	return Object.entries(PROMISES).flatMap(([promise, find]) =>
		find(world).map((text) => `${promise}: ${text}`),
	);
}

const attemptsOf = ({ executions }: World) => executions.flatMap(({ attempts }) => attempts);
const rowsOf = ({ executions }: World): AskedRow[] => executions.flatMap(({ rows }) => rows);

const nameOf = ({ execution, row }: AskedRow): string => `execution ${execution.index} row ${row}`;

/** WaveSpeed gives the money back. */
const isRefunded = ({ end }: ServiceTask): boolean => end === 'failed' || end === 'cancelled';

/** Rows that ask for exactly the same with a seed of the user may take each other's tasks: the videos are the same. */
function groupOf({ execution, row, plan }: AskedRow): string {
	const { prompt, file, seed, changes } = plan;
	const asks = JSON.stringify([prompt.trim(), file, seed, changes]);
	if (seed !== -1 && !changes) return asks;
	// Equal calls of an agent are told apart by nothing.
	return execution.plan.kind === 'tool'
		? `execution ${execution.index}: ${asks}`
		: `execution ${execution.index} row ${row}`;
}

function findPaidTwice(world: World): string[] {
	const asked = new Map<string, number>();
	for (const row of rowsOf(world)) asked.set(groupOf(row), (asked.get(groupOf(row)) ?? 0) + 1);
	const paid = new Map<string, ServiceTask[]>();
	for (const task of world.rig.service.tasks) {
		const sender = senderOf(world, task);
		if (!sender || isRefunded(task)) continue;
		const group = groupOf(sender.asked);
		paid.set(group, [...(paid.get(group) ?? []), task]);
	}
	return [...paid].flatMap(([group, tasks]) =>
		tasks.length > (asked.get(group) ?? 0)
			? [`${group}: ${tasks.map(({ id }) => id).join(', ')}`]
			: [],
	);
}

function findStrangers(world: World): string[] {
	const { tasks } = world.rig.service;
	const owners = new Map<string, AskedRow>();
	return rowsOf(world).flatMap((row) =>
		row.results.flatMap(({ taskId, sent }) => {
			const task = tasks.find(({ id }) => id === taskId);
			if (!task) return [`${nameOf(row)} has ${taskId}, which never was`];
			const other = owners.get(taskId);
			owners.set(taskId, row);
			const problems = other && other !== row ? [`${taskId} has two rows`] : [];
			const { prompt, seed, image } = sent;
			const isSame =
				task.input.prompt === prompt && task.input.seed === seed && task.input.image === image;
			const isOwn = prompt.startsWith(row.plan.prompt);
			const sender = senderOf(world, task);
			const isRightGroup = sender && groupOf(sender.asked) === groupOf(row);
			if (!isOfDeadProcess(world, task) && !(isSame && isOwn && isRightGroup)) {
				problems.push(`${nameOf(row)} hands out ${taskId} of ${sender && nameOf(sender.asked)}`);
			}
			return problems;
		}),
	);
}

/** What a process has sent in which it was killed is not known to the next one, and no echo tells whose it is. */
const isOfDeadProcess = (world: World, task: ServiceTask): boolean =>
	senderOf(world, task)?.attempt.process.isDead === true && !repeatsSeeds(world.schedule.service);

/** The row has such a task for its own, so that its own one may come in addition, unseen. */
const hasTaskOfDeadProcess = (world: World, { results }: AskedRow): boolean =>
	world.rig.service.tasks.some(
		(task) => isOfDeadProcess(world, task) && results.some(({ taskId }) => taskId === task.id),
	);

function findUnnamed(world: World): string[] {
	const named = new Set<string>();
	const texts = world.executions.flatMap(({ log, texts: shown }) => [...log, ...shown]).join('\n');
	for (const { results } of rowsOf(world)) for (const { taskId } of results) named.add(taskId);
	for (const { store } of world.executions) {
		for (const id of Object.values(store).flatMap(taskIdsOf)) named.add(id);
	}
	return world.rig.service.tasks
		.filter(({ id }) => !named.has(id) && !new RegExp(`\\b${id}\\b`).test(texts))
		.flatMap((task) => {
			const sender = senderOf(world, task);
			if (!sender || isExcused(world, sender.asked) || isOpen(world, task)) return [];
			if (hasTaskOfDeadProcess(world, sender.asked)) return [];
			return [`${task.id} of ${nameOf(sender.asked)}`];
		});
}

/** The list of submits without a clear answer, as n8n stores it. Of rows that ask for the same, each may take any. */
const isOpen = ({ executions }: World, { input }: ServiceTask): boolean =>
	executions
		.filter(({ isKilled }) => !isKilled)
		.flatMap(({ store }) => Object.values(store))
		.some(
			({ state, image, audio, prompt, seed }) =>
				state === 'sent' &&
				image === input.image &&
				audio === input.audio &&
				prompt === input.prompt &&
				seed === input.seed,
		);

/** n8n was killed before the answer came, or before a lost one was found: "Get Many" lists the task. */
const isExcused = (world: World, asked: AskedRow): boolean =>
	rowsOf(world).some((row) => row.execution.isKilled && groupOf(row) === groupOf(asked));

function findFalseComfort(world: World): string[] {
	return rowsOf(world).flatMap((row) =>
		row.failures.flatMap(({ attempt, failure }) => {
			if (failure.paid !== 'nothing') return [];
			const paid = world.rig.service.tasks.filter((task) => {
				const sender = senderOf(world, task);
				const isTakenByEqual = rowsOf(world).some(
					(other) => other !== row && other.results.some(({ taskId }) => taskId === task.id),
				);
				return sender?.asked === row && sender.attempt.number <= attempt && !isTakenByEqual;
			});
			return paid.map(({ id }) => `${nameOf(row)} says so, but has ${id}: ${failure.reason}`);
		}),
	);
}

function findExcesses(world: World): string[] {
	const { excesses, schedule } = world;
	const { submits, submitsAt } = world.rig.service;
	const arrivals = submits.map((request, index) => ({
		// What was sent before n8n was killed, only the service still counts.
		process: world.senders.get(request)?.attempt.process,
		at: submitsAt[index] ?? 0,
	}));
	const perMinute = arrivals.flatMap(({ at: from, process }) => {
		const count = arrivals.filter(
			(other) => other.process === process && other.at >= from && other.at < from + MINUTE,
		).length;
		return count > schedule.submitsPerMinute ? [`${count} submits in a minute from ${from}`] : [];
	});
	return [...excesses, ...perMinute];
}

function findOverspent(world: World): string[] {
	return world.executions.flatMap(({ index, plan, isKilled }) => {
		// Each call of a tool is a run of its own.
		if (plan.affordable === undefined || plan.kind === 'tool' || isKilled) return [];
		const paid = world.rig.service.tasks.filter(
			(task) => senderOf(world, task)?.asked.execution.index === index && !isRefunded(task),
		);
		return paid.length > plan.affordable ? [`execution ${index}: ${paid.length} tasks`] : [];
	});
}

function findUnstopped(world: World): string[] {
	return attemptsOf(world).flatMap(({ stoppedAt, endedAt, requestsAfterStop }) => {
		if (stoppedAt === undefined) return [];
		const problems = requestsAfterStop > 0 ? [`${requestsAfterStop} requests afterwards`] : [];
		const tookMs = (endedAt ?? Infinity) - stoppedAt;
		return tookMs > LONGEST_STOP_MS ? [...problems, `it took ${tookMs} ms`] : problems;
	});
}
