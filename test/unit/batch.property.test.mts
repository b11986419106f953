import fc from 'fast-check';

import type { RowTask } from '../../nodes/shared/batch/runRow';
import { failureOf } from '../../nodes/shared/wavespeed/failures';
import { stopped } from './support/api.mts';
import { type BatchRig, createRequest, createBatchRig, fileOf } from './support/batchRig.mts';
import {
	ENDS,
	READ_FAULTS,
	type ReadFault,
	type ServiceOptions,
	type ServiceTask,
	STORE_FAULTS,
	type StoreFault,
	SUBMIT_FAULTS,
	type SubmitFault,
} from './support/service.mts';
import type { VideoRequest } from '../../nodes/shared/batch/request';
import type { Settled } from '../../nodes/shared/async/settle';

/**
 * Random batches against a service that goes wrong at random, with retries that share a ledger. Whatever happens,
 * nothing is paid for twice, no task is lost, no limit is exceeded, and it ends.
 */

const MINUTE = 60_000;
/** What takes longer than this to show up in the list is outside the promise: a retry looks after a minute. */
const LONGEST_LIST_LAG_MS = 35_000;

const mostly = <T,>(usual: T, ...rare: T[]): fc.Arbitrary<T> =>
	fc.oneof(
		{ weight: 3, arbitrary: fc.constant(usual) },
		{ weight: 2, arbitrary: fc.constantFrom(...rare) },
	);

const readFaults = (maxLength: number): fc.Arbitrary<ReadFault[]> =>
	fc.array(mostly<ReadFault>('none', ...READ_FAULTS, ...READ_FAULTS, 'unauthorized'), {
		maxLength,
	});

const serviceArbitrary: fc.Arbitrary<Partial<ServiceOptions>> = fc.record({
	echoInput: fc.boolean(),
	listLagMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: LONGEST_LIST_LAG_MS })),
	submitFaults: fc.oneof(
		fc.array(mostly<SubmitFault>('none', ...SUBMIT_FAULTS), { maxLength: 16 }),
		// Many answers lost at once: whose task is whose?
		fc.array(
			fc.constantFrom<SubmitFault>(
				'none',
				'slow',
				'resetBefore',
				'resetAfter',
				'errorAfter',
				'lateAfter',
			),
			{
				minLength: 4,
				maxLength: 12,
			},
		),
	),
	pollFaults: readFaults(30),
	listFaults: readFaults(12),
	ticketFaults: readFaults(8),
	storeFaults: fc.array(mostly<StoreFault>('none', ...STORE_FAULTS), { maxLength: 10 }),
	tasks: fc.array(
		fc.record({
			lastsMs: fc.oneof(
				fc.integer({ min: 0, max: 10 * MINUTE }),
				// Longer than the wait.
				fc.constant(90 * MINUTE),
			),
			end: mostly(...ENDS),
		}),
		{ maxLength: 14 },
	),
});

const rowArbitrary = fc.record({
	/** Few, so that rows ask for the same. */
	prompt: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
	file: fc.constantFrom(undefined, 'x', 'y'),
	seed: fc.constantFrom(-1, -1, 7),
});

const attemptArbitrary = fc.record({
	stopMode: fc.boolean(),
	haltAfterMs: fc.option(fc.integer({ min: 0, max: 5 * MINUTE }), { freq: 5, nil: undefined }),
	pauseAfterMs: fc.constantFrom(0, 1_000, 5_000, 90_000),
});

const scheduleArbitrary = fc.record({
	service: serviceArbitrary,
	rows: fc.array(rowArbitrary, { minLength: 1, maxLength: 12 }),
	attempts: fc.array(attemptArbitrary, { minLength: 1, maxLength: 4 }),
	tasksInFlight: fc.integer({ min: 1, max: 5 }),
	submitsPerMinute: fc.integer({ min: 1, max: 12 }),
	rowsAtOnce: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
	/** In prices of one video. */
	affordable: fc.option(fc.integer({ min: 0, max: 12 }), { nil: undefined }),
	seed: fc.integer({ min: 1, max: 1_000_000 }),
});
type Schedule = typeof scheduleArbitrary extends fc.Arbitrary<infer T> ? T : never;

const PRICE = 0.1;

const asksOf = ({ rows, affordable }: Schedule): VideoRequest[] =>
	rows.map(({ prompt, file, seed }) =>
		createRequest({
			prompt,
			seed,
			...(file ? { image: fileOf(file) } : {}),
			...(affordable === undefined ? {} : { maxCostPerRun: affordable * PRICE }),
		}),
	);

const failsForPassingReason = ({ end }: ServiceTask): boolean =>
	end === 'failed' || end === 'cancelled';

/** The ledger's row of a task, also of one whose answer was lost. */
function rowOf({ store }: BatchRig, { id, input }: ServiceTask): number | undefined {
	const entries = Object.entries(store);
	const found =
		entries.find(([, entry]) => entry.taskId === id) ??
		// Rows that ask for the same look alike here, so only a task that no row has can be one of these.
		entries.find(
			([, entry]) =>
				entry.state === 'sent' &&
				entry.seed === input.seed &&
				entry.image === input.image &&
				entry.audio === input.audio,
		);
	return found && Number(found[0].split(':')[1]);
}

/** Where the user finds an ID: in an output, an error, or the ledger. */
function isKnown(rig: BatchRig, outcomes: Settled<RowTask>[], task: ServiceTask): boolean {
	const shown = outcomes.flatMap((outcome) => {
		if (outcome.ok) return [outcome.value.task.id];
		const details = failureOf(outcome.error)?.details;
		return [details?.taskId, ...(details?.candidateTaskIds ?? [])];
	});
	const kept = Object.values(rig.store).flatMap((entry) => [
		entry.taskId,
		...(entry.earlierTaskIds ?? []),
	]);
	return [...shown, ...kept].includes(task.id) || rowOf(rig, task) !== undefined;
}

async function play(schedule: Schedule): Promise<void> {
	const rig = createBatchRig({ ...schedule.service, price: PRICE }, schedule.seed);
	const { service, time, store } = rig;
	const asks = asksOf(schedule);
	const allOutcomes: Settled<RowTask>[] = [];

	for (const { stopMode, haltAfterMs, pauseAfterMs } of schedule.attempts) {
		const activeRows = new Set<number>();
		const firstSubmit = service.submitsAt.length;
		const startedAt = time.now();
		let mostInFlight = 0;
		service.onAccepted = (accepted) => {
			if (accepted.isLate) return;
			// Tasks whose rows were given up run on at the service: the limit is kept for those that a row waits for.
			const watched = service.tasks.filter((task) => {
				const row = rowOf(rig, task);
				return task.endsAt > time.now() && row !== undefined && activeRows.has(row);
			});
			mostInFlight = Math.max(mostInFlight, watched.length);
		};
		const attempt = rig.start(asks, { ...schedule, stopMode, activeRows });
		let halted: { at: number; requests: number } | undefined;
		if (haltAfterMs !== undefined) {
			void time.delay(haltAfterMs).then(() => {
				attempt.cancellation.cancel(stopped());
				halted = { at: time.now(), requests: service.requests.length };
			});
		}
		const outcomes = await time.run(attempt.outcomes);
		allOutcomes.push(...outcomes);

		// One outcome for each row, in its place, with the task that this row has asked for.
		expect(outcomes).toHaveLength(asks.length);
		outcomes.forEach((outcome, row) => {
			expect(outcome).toBeDefined();
			if (!outcome.ok) {
				if (!failureOf(outcome.error)) throw outcome.error;
				return;
			}
			const { submitted, task } = outcome.value;
			expect(task.id).toBe(submitted.taskId);
			const { input } = service.tasks.find(({ id }) => id === task.id) ?? {};
			expect(input).toMatchObject({ prompt: asks[row]?.prompt, seed: submitted.input.seed });
			expect(store[attempt.batch.ledger.key(row, keyHash(store, row, task.id))]?.taskId).toBe(
				task.id,
			);
		});

		// No two rows have the same task.
		const ids = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value.task.id] : []));
		expect(new Set(ids).size).toBe(ids.length);
		const kept = Object.values(store).flatMap(({ taskId }) => taskId ?? []);
		expect(new Set(kept).size).toBe(kept.length);

		// The account's limits.
		// With few rows at once, tasks of an earlier attempt run whose rows have had no turn yet.
		if (schedule.rowsAtOnce === undefined) {
			expect(mostInFlight).toBeLessThanOrEqual(schedule.tasksInFlight);
		}
		const submits = service.submitsAt.slice(firstSubmit);
		for (const from of submits) {
			const inMinute = submits.filter((at) => at >= from && at < from + MINUTE).length;
			expect(inMinute).toBeLessThanOrEqual(schedule.submitsPerMinute);
		}

		// Stop means stop: nothing is sent afterwards, and only a submit under way is waited for.
		if (halted) {
			const { at, requests } = halted;
			expect(service.requests).toHaveLength(requests);
			expect(time.now() - at).toBeLessThanOrEqual(121_000);
		}
		expect(time.now() - startedAt).toBeLessThan(24 * 60 * MINUTE);
		await time.advance(pauseAfterMs);
	}

	// Until also the last belated task is made.
	await time.advance(5 * MINUTE);
	const refunded = service.tasks.filter(failsForPassingReason);
	expect(service.tasks.length).toBeLessThanOrEqual(asks.length + refunded.length);
	const unknown = service.tasks.filter((task) => !isKnown(rig, allOutcomes, task));
	expect(unknown).toEqual([]);
	if (schedule.affordable !== undefined) {
		expect(service.tasks.length - refunded.length).toBeLessThanOrEqual(schedule.affordable);
	}
}

const keyHash = (store: BatchRig['store'], row: number, taskId: string): string =>
	Object.entries(store)
		.find(([key, entry]) => key.startsWith(`0:${row}:`) && entry.taskId === taskId)?.[0]
		.split(':')[2] ?? 'not in the ledger';

/** More of them find more: `PROPERTY_RUNS=5000 npx jest --selectProjects unit --testPathPatterns property`. */
const RUNS = Number(process.env.PROPERTY_RUNS ?? 400);
const MORE_TIME = Math.max(1, RUNS / 400);

describe('a batch in bad weather', () => {
	it(
		'neither pays twice, nor loses a task, nor exceeds a limit, nor goes on for ever',
		async () => {
			await fc.assert(fc.asyncProperty(scheduleArbitrary, play), {
				numRuns: RUNS,
				// Ends the search for a simpler case in time for the seed to be printed.
				interruptAfterTimeLimit: 45_000 * MORE_TIME,
				markInterruptAsFailure: true,
			});
		},
		60_000 * MORE_TIME,
	);
});
