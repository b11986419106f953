import { createHash } from 'node:crypto';

import type { INode } from 'n8n-workflow';

import { Account } from '../../../nodes/shared/account/account';
import { Submissions } from '../../../nodes/shared/account/submissions';
import type { Settled } from '../../../nodes/shared/async/settle';
import type { LedgerStore } from '../../../nodes/shared/batch/ledger';
import { LiveLedgers } from '../../../nodes/shared/batch/liveLedgers';
import type { VideoRequest } from '../../../nodes/shared/batch/request';
import type { RowTask } from '../../../nodes/shared/batch/runRow';
import { addTaskFacts, describeEnd } from '../../../nodes/shared/n8n/run/taskFacts';
import { refuseFailedTask } from '../../../nodes/shared/n8n/output/taskItem';
import { describeLogEntry } from '../../../nodes/shared/n8n/errors/messages/run';
import { type Failure, failureOf } from '../../../nodes/shared/wavespeed/failures';
import type { HttpRequest } from '../../../nodes/shared/wavespeed/http/types';
import { stopped } from '../support/api.mts';
import {
	type Attempt,
	type BatchRig,
	type Connection,
	createBatchRig,
	createRandom,
	createRequest,
	fileOf,
} from '../support/batchRig.mts';
import type { ServiceTask } from '../support/service.mts';
import type { ExecutionPlan, LaunchPlan, RowPlan, Schedule } from './schedule.mts';

/** Plays a schedule in virtual time, and writes down what an outsider could see. */

export const PRICE_USD = 0.1;

/** n8n needs some time until it is there again. */
const RESTART_MS = 15_000;

/** From its start to its end, killed or not. */
export interface Process {
	account: Account;
	ledgers: LiveLedgers;
	isDead: boolean;
	/** Resolves when it is killed. */
	death: Promise<void>;
	die(): void;
}

/** What the workflow asks for once, in all its tries. */
export interface AskedRow {
	execution: ExecutionRecord;
	/** Of a tool: which call. */
	row: number;
	plan: RowPlan;
	/** Its errors, by try. */
	failures: { attempt: number; failure: Failure }[];
	/** Its results, by try. */
	results: { taskId: string; sent: { prompt: string; seed: number; image: string } }[];
}

export interface ExecutionRecord {
	index: number;
	plan: ExecutionPlan;
	rows: AskedRow[];
	store: LedgerStore;
	log: string[];
	/** What n8n stored when it first failed, in which process, for a Retry of just that. */
	first?: { stored: LedgerStore; process: Process };
	/** Submits whose sender is known. */
	known: Set<string>;
	/** All that its ends say in stop mode, and all error rows. */
	texts: string[];
	/** The process was killed while it ran: what n8n would have stored is gone. */
	isKilled: boolean;
	/** As it is set now. */
	stopMode: boolean;
	attempts: AttemptRecord[];
}

export interface AttemptRecord {
	/** In the order of beginning. */
	number: number;
	execution: ExecutionRecord;
	attempt: Attempt;
	startedAt: number;
	endedAt: number | undefined;
	stoppedAt: number | undefined;
	requestsAfterStop: number;
	activeRows: Set<number>;
	/** Tasks that one of its rows has submitted or read. */
	seen: Set<string>;
	/** Looked at once: a row that waits for a place looks whether an earlier attempt's task has ended. */
	looked: Set<string>;
	process: Process;
	/** What it does not say at its end, although it should. */
	missing: string[];
}

/** Which row's submit a request was. */
export interface Sender {
	asked: AskedRow;
	attempt: AttemptRecord;
	submissionId: string;
}

export interface World {
	rig: BatchRig;
	schedule: Schedule;
	executions: ExecutionRecord[];
	senders: WeakMap<HttpRequest, Sender>;
	/** More tasks than allowed, in words. */
	excesses: string[];
	killedAt: number[];
}

export const senderOf = (world: World, { request }: ServiceTask): Sender | undefined =>
	request && world.senders.get(request);

const never = new Promise<never>(() => {});

export async function playSchedule(schedule: Schedule): Promise<World> {
	const rig = createBatchRig({ ...schedule.service, price: PRICE_USD }, schedule.seed);
	const world: World = {
		rig,
		schedule,
		executions: schedule.executions.map((plan, index) => createRecord(plan, index)),
		senders: new WeakMap(),
		excesses: [],
		killedAt: [],
	};
	const { time, service } = rig;
	const player = createPlayer(world);
	service.onAccepted = (task) => noteExcess(world, task);
	for (const { atMs, byMs, isSleep, isPause } of schedule.jumps) {
		void time.delay(atMs).then(() => {
			if (isSleep) service.sleepMachine(byMs);
			if (!isSleep || isPause) time.jumpWall(isPause ? -byMs : byMs);
		});
	}
	for (const atMs of schedule.foreignTasksAtMs) {
		void time.delay(atMs).then(() => {
			const url = 'https://other.example/a.png';
			service.addForeignTask({ image: url, audio: url, prompt: 'a', resolution: '480p', seed: 8 });
		});
	}
	for (const atMs of schedule.killsAtMs) void time.delay(atMs).then(() => player.kill());
	await time.run(Promise.all(world.executions.map(async (one) => await player.play(one))));
	// Until also the last belated task is made.
	await time.advance(5 * 60_000);
	return world;
}

function createRecord(plan: ExecutionPlan, index: number): ExecutionRecord {
	const record: ExecutionRecord = {
		...{ index, plan, rows: [], store: {}, log: [], texts: [], attempts: [] },
		known: new Set(),
		isKilled: false,
		stopMode: plan.stopMode,
	};
	record.rows = plan.rows.map((row, number) => ({
		...{ execution: record, row: number, plan: row, failures: [], results: [] },
	}));
	return record;
}

interface Player {
	play(execution: ExecutionRecord): Promise<void>;
	kill(): void;
}

function createPlayer(world: World): Player {
	const { rig, schedule } = world;
	const { time } = rig;
	const random = createRandom(schedule.seed + 1);
	let evaluations = 0;
	let attempts = 0;

	const startProcess = (): Process => {
		const account = new Account('silver', random, new Submissions(time.now()));
		account.places.resize(schedule.tasksInFlight);
		account.submitRate.resize(schedule.submitsPerMinute);
		let die = (): void => {};
		const death = new Promise<void>((resolve) => (die = resolve));
		return { account, ledgers: new LiveLedgers(), isDead: false, death, die };
	};
	let current = startProcess();
	let up: Promise<void> = Promise.resolve();

	/** What the row asks for now: expressions are evaluated anew each time. */
	const evaluate = ({ prompt, file, seed, changes }: RowPlan, plan: ExecutionPlan): VideoRequest =>
		createRequest({
			prompt: changes ? `${prompt}${(evaluations += 1)}` : prompt,
			seed,
			...(file === undefined ? {} : { image: fileOf(file) }),
			...(plan.affordable === undefined ? {} : { maxCostPerRun: plan.affordable * PRICE_USD }),
			fingerprint: createHash('sha256')
				.update(JSON.stringify([prompt, file, seed, changes]))
				.digest('hex')
				.slice(0, 16),
		});

	/** One attempt at some rows. Undefined: the process was killed meanwhile. */
	const attemptRows = async (
		execution: ExecutionRecord,
		asked: AskedRow[],
		runIndex: number,
		stop: Promise<void>,
	): Promise<{ failedFirst: boolean; failed: boolean; stopped: boolean } | undefined> => {
		await up;
		const process = current;
		const { plan } = execution;
		const record = { execution, process, activeRows: new Set<number>() } as AttemptRecord;
		Object.assign(record, {
			seen: new Set(),
			looked: new Set(),
			missing: [],
			requestsAfterStop: 0,
		});
		record.startedAt = time.now();
		record.number = attempts += 1;
		const attempt = rig.start(
			asked.map((one) => evaluate(one.plan, plan)),
			{
				account: process.account,
				ledgerStore: execution.store,
				runIndex,
				isTool: plan.kind === 'tool',
				submitsOnly: plan.kind === 'submit',
				stopMode: execution.stopMode || plan.kind === 'tool',
				tasksInFlight: plan.tasksInFlight,
				submitsPerMinute: plan.submitsPerMinute,
				...(plan.rowsAtOnce === undefined ? {} : { rowsAtOnce: plan.rowsAtOnce }),
				activeRows: record.activeRows,
				log: (entry) => void execution.log.push(describeLogEntry(entry)),
				connectThrough: (direct) => observe(world, direct, record, asked, runIndex),
			},
		);
		record.attempt = attempt;
		execution.attempts.push(record);
		void stop.then(() => {
			if (record.endedAt !== undefined || process.isDead) return;
			record.stoppedAt = time.now();
			attempt.cancellation.cancel(stopped());
		});
		const outcomes = await Promise.race([attempt.outcomes, process.death]);
		if (!outcomes || process.isDead) {
			record.activeRows.clear();
			record.endedAt = time.now();
			execution.isKilled = true;
			return undefined;
		}
		record.endedAt = time.now();
		return readOutcomes(record, asked, outcomes);
	};

	const tryOften = async (
		execution: ExecutionRecord,
		asked: AskedRow[],
		nextRunIndex: () => number,
		stop: { at: Promise<void>; isStopped: () => boolean },
	): Promise<'done' | 'failed' | 'killed'> => {
		const { plan } = execution;
		for (let tries = 1; ; tries += 1) {
			const process = current;
			const end = await attemptRows(execution, asked, nextRunIndex(), stop.at);
			if (!end) return 'killed';
			const endsRun = end.failed && (execution.stopMode || plan.kind === 'tool' || end.stopped);
			const isDue = endsRun || end.failedFirst;
			if (!isDue || tries >= plan.maxTries || stop.isStopped()) return endsRun ? 'failed' : 'done';
			await time.delay(plan.waitBetweenTriesMs);
			if (process.isDead) {
				execution.isKilled = true;
				return 'killed';
			}
			if (stop.isStopped()) return 'failed';
		}
	};

	const launch = async (
		execution: ExecutionRecord,
		{ stopAfterMs, stopMode }: LaunchPlan,
		nextRunIndex: () => number,
	): Promise<'done' | 'failed' | 'killed'> => {
		execution.stopMode = stopMode ?? execution.plan.stopMode;
		let isStopped = false;
		const at = stopAfterMs === undefined ? never : time.delay(stopAfterMs);
		void at.then(() => (isStopped = true));
		const stop = { at, isStopped: () => isStopped };
		const { plan, rows } = execution;
		if (plan.kind !== 'tool') return await tryOften(execution, rows, () => 0, stop);
		const call = async (one: AskedRow): Promise<'done' | 'failed' | 'killed'> =>
			one.results.length > 0 ? 'done' : await tryOften(execution, [one], nextRunIndex, stop);
		const ends: ('done' | 'failed' | 'killed')[] = [];
		if (plan.isParallel) ends.push(...(await Promise.all(rows.map(call))));
		else for (const one of rows) if (!execution.isKilled) ends.push(await call(one));
		return ends.find((end) => end === 'killed') ?? ends.find((end) => end === 'failed') ?? 'done';
	};

	/** All that come from one execution share its ledger within a process. */
	const openStore = (
		execution: ExecutionRecord,
		number: number,
		{ isOfFirst }: LaunchPlan,
	): void => {
		const { first } = execution;
		// What was submitted since then, in a process that is gone, no other one knows.
		const isFirstKnown = isOfFirst && first && first.process === current;
		const stored = isFirstKnown ? first.stored : execution.store;
		const copy = JSON.parse(JSON.stringify(stored)) as LedgerStore;
		execution.store = current.ledgers.open(String(execution.index), number > 0 ? copy : {});
	};

	const isDouble = ({ plan }: ExecutionRecord, number: number, launched: LaunchPlan): boolean =>
		number > 0 && plan.kind !== 'tool' && launched.isDouble === true;

	return {
		async play(execution) {
			let runIndex = -1;
			const nextRunIndex = (): number => (runIndex += 1);
			for (const [number, plan] of execution.plan.launches.entries()) {
				await time.delay(plan.afterMs);
				await up;
				// Retry of the execution goes on with what n8n has stored. An agent only calls again.
				if (execution.plan.kind !== 'tool') openStore(execution, number, plan);
				const ends = await Promise.all([
					launch(execution, plan, nextRunIndex),
					...(isDouble(execution, number, plan) ? [launch(execution, plan, nextRunIndex)] : []),
				]);
				if (!ends.includes('failed') || ends.includes('killed')) return;
				const stored = JSON.parse(JSON.stringify(execution.store)) as LedgerStore;
				execution.first ??= { stored, process: current };
			}
		},
		kill() {
			if (current.isDead) return;
			world.killedAt.push(time.now());
			current.isDead = true;
			current.die();
			up = time.delay(RESTART_MS).then(() => {
				current = startProcess();
				up = Promise.resolve();
			});
		},
	};
}

/** The run's way to time and network, on which it is watched, and which ends with its process. */
function observe(
	world: World,
	{ clock, send }: Connection,
	record: AttemptRecord,
	asked: AskedRow[],
	runIndex: number,
): Connection {
	const { execution, process } = record;
	const { known } = execution;
	for (const { submissionIds } of Object.values(execution.store)) {
		for (const id of submissionIds.slice(0, -1)) known.add(id);
	}
	/** What is in the ledger before the submit leaves tells whose it is. */
	const noteSubmit = (request: HttpRequest): void => {
		for (const [key, entry] of Object.entries(execution.store)) {
			const [index, row] = key.split(':').map(Number);
			const submissionId = entry.submissionIds.at(-1) ?? '';
			if (index !== runIndex || entry.state !== 'sent' || known.has(submissionId)) continue;
			// Two executions may share the ledger.
			const { prompt, seed } = request.json ?? {};
			if (entry.prompt !== prompt || entry.seed !== seed) continue;
			known.add(submissionId);
			world.senders.set(request, { asked: asked[row ?? 0]!, attempt: record, submissionId });
			return;
		}
		throw new Error('a submit left that is not in the ledger');
	};
	return {
		clock: {
			...clock,
			async sleep(ms) {
				await clock.sleep(ms);
				if (process.isDead) await never;
			},
		},
		async send(request) {
			if (process.isDead) return await never;
			if (record.stoppedAt !== undefined) record.requestsAfterStop += 1;
			const path = 'path' in request.target ? request.target.path : '';
			if (path.endsWith('/speech-to-video')) noteSubmit(request);
			if (path.endsWith('/result')) {
				const taskId = decodeURIComponent(path.split('/').at(-2) ?? '');
				if (record.looked.has(taskId)) record.seen.add(taskId);
				record.looked.add(taskId);
			}
			const outcome = await send(request);
			if (process.isDead) return await never;
			return outcome;
		},
	};
}

const NODE = { name: 'Talk', type: 'test', typeVersion: 1, parameters: {} } as unknown as INode;

/** Also what a user reads of it. */
function readOutcomes(
	record: AttemptRecord,
	asked: AskedRow[],
	outcomes: Settled<RowTask>[],
): { failedFirst: boolean; failed: boolean; stopped: boolean } {
	const { attempt, execution } = record;
	const { plan } = execution;
	const { ledger } = attempt.batch;
	const ctx = {
		getNode: () => NODE,
		getInputData: () => outcomes,
		getMode: () => 'trigger',
	} as unknown as Parameters<typeof describeEnd>[0];
	const ends = outcomes.map((outcome): Settled<RowTask> => {
		if (!outcome.ok || plan.kind === 'submit') return outcome;
		try {
			refuseFailedTask(outcome.value.task, { failedTasks: 'error' }, 'thisAttempt');
			return outcome;
		} catch (error) {
			return { ok: false, error };
		}
	});
	attempt.batch.ledger.noteUndelivered(
		new Set(ends.flatMap(({ ok }, row) => (ok && !endsRun() ? [] : [row]))),
	);
	function endsRun(): boolean {
		const isStopped = record.stoppedAt !== undefined;
		return ends.some(({ ok }) => !ok) && (execution.stopMode || plan.kind === 'tool' || isStopped);
	}
	const errors = ends.map((outcome, row) =>
		outcome.ok ? undefined : addTaskFacts(ledger.byRow(), row, outcome.error),
	);
	const first = attempt.ended.find((row) => errors[row] !== undefined);
	if (endsRun()) {
		// What has failed only as its task's end has no place in the order.
		const row = first ?? errors.findIndex((error) => error !== undefined);
		const shown = ends.map((outcome) =>
			outcome.ok
				? { ok: true as const, value: [{ json: { taskId: outcome.value.task.id } }] }
				: outcome,
		);
		const ended = ends[row];
		const reason = ended?.ok === false ? ended.error : undefined;
		const error = describeEnd(ctx, ledger, { row, error: reason }, shown);
		const { description, context } = error as Error & { description: string; context: object };
		const text = `${error.message} ${description} ${JSON.stringify(context)}`;
		execution.texts.push(text);
		const ofRun = ledger.entriesOfRun();
		for (const { row: other, entry } of ofRun) {
			const ids = [...(entry.earlierTaskIds ?? []), ...(entry.taskId ? [entry.taskId] : [])];
			record.missing.push(...ids.filter((id) => !text.includes(id)));
			const isNamed =
				other === row || new RegExp(`which may be paid for:.*row ${other + 1}\\b`).test(text);
			if (entry.state === 'sent' && !isNamed) record.missing.push(`row ${other + 1}`);
		}
	}
	ends.forEach((outcome, row) => {
		const one = asked[row]!;
		if (outcome.ok) {
			const { submitted, task } = outcome.value;
			if (endsRun()) return;
			one.results.push({ taskId: task.id, sent: submitted.input });
			return;
		}
		const failure = failureOf(errors[row]);
		if (!failure) throw outcome.error;
		one.failures.push({ attempt: record.number, failure });
		execution.texts.push(JSON.stringify(failure));
	});
	return {
		failed: ends.some(({ ok }) => !ok),
		failedFirst: ends[0]?.ok === false,
		stopped: record.stoppedAt !== undefined,
	};
}

/** Called with each task that is accepted: rows wait for no more of them than the account allows. */
function noteExcess(world: World, accepted: ServiceTask): void {
	const sender = senderOf(world, accepted);
	if (!sender) return;
	// Its row has given up by now.
	if (accepted.isLate) return;
	sender.attempt.seen.add(accepted.id);
	const { process } = sender.attempt;
	if (process.isDead || sender.asked.execution.plan.kind === 'submit') return;
	const now = world.rig.service.now();
	const running = world.rig.service.tasks.filter(({ endsAt }) => endsAt > now);
	let ofAccount = 0;
	for (const { plan, attempts } of world.executions) {
		if (plan.kind === 'submit') continue;
		for (const record of attempts) {
			if (record.endedAt !== undefined || record.process !== process) continue;
			const count = running.filter((task) => isWaitedFor(world, record, task)).length;
			ofAccount += count;
			if (count > plan.tasksInFlight) world.excesses.push(`${count} tasks of one node`);
		}
	}
	if (ofAccount > world.schedule.tasksInFlight) world.excesses.push(`${ofAccount} tasks`);
}

function isWaitedFor(world: World, record: AttemptRecord, task: ServiceTask): boolean {
	if (!record.seen.has(task.id)) return false;
	const entries = record.attempt?.batch.ledger.entriesOfRun() ?? [];
	const submissionId = senderOf(world, task)?.submissionId ?? '';
	return entries.some(
		({ row, entry }) =>
			record.activeRows.has(row) &&
			(entry.taskId === task.id ||
				(entry.state === 'sent' && entry.submissionIds.at(-1) === submissionId)),
	);
}
