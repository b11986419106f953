import fc from 'fast-check';

import type { EmulatorOptions } from '../../emulator/options.mts';
import {
	ENDS,
	OUTAGE_WAYS,
	READ_FAULTS,
	type ReadFault,
	type ServiceOptions,
	type ServiceOutage,
	STORE_FAULTS,
	type StoreFault,
	SUBMIT_FAULTS,
	type SubmitFault,
} from '../support/service.mts';

/** What can happen to one account: what the workflows do, what people do, what goes wrong. */

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** What takes longer than this to show up in the list is outside the promise: a retry looks after a minute. */
const LONGEST_LIST_LAG_MS = 35 * SECOND;

/** One row of a node, or one call of a tool. */
export interface RowPlan {
	/** Few, so that rows ask for the same. */
	prompt: string;
	file: string | undefined;
	seed: number;
	/** The prompt has an expression in it that gives another value each time. */
	changes: boolean;
}

/** The first run of an execution, or one by Retry of the execution. */
export interface LaunchPlan {
	/** After the one before has ended. */
	afterMs: number;
	/** Somebody stops it, so long after its start. */
	stopAfterMs: number | undefined;
	/** Somebody has changed that setting meanwhile. */
	stopMode?: boolean;
	/** Retry is pressed twice: two executions begin with the same stored data. */
	isDouble?: boolean;
	/** Retry of the first execution, although others came of it meanwhile. */
	isOfFirst?: boolean;
}

export interface ExecutionPlan {
	kind: 'generate' | 'submit' | 'tool';
	rows: RowPlan[];
	/** A failed row ends the run; else it is an error row. */
	stopMode: boolean;
	/** Retry On Fail; 1 is off. */
	maxTries: number;
	waitBetweenTriesMs: number;
	/** The node's own limits. */
	tasksInFlight: number;
	submitsPerMinute: number;
	/** As many as the node takes if undefined. */
	rowsAtOnce: number | undefined;
	/** In prices of one video. */
	affordable: number | undefined;
	/** Of a tool: the agent makes its calls side by side. */
	isParallel: boolean;
	launches: LaunchPlan[];
}

export interface Schedule {
	service: Partial<ServiceOptions>;
	/** What the service allows the account. */
	tasksInFlight: number;
	submitsPerMinute: number;
	executions: ExecutionPlan[];
	/**
	 * Of the machine's clock; `isSleep`: because the machine sleeps, so that the service's time goes on by as much; `isPause`: as
	 * a virtual machine does, whose own clock stands still as well.
	 */
	jumps: { atMs: number; byMs: number; isSleep?: boolean; isPause?: boolean }[];
	/** The process ends here, with all that is only in its memory. */
	killsAtMs: number[];
	/** Somebody else uses the account. */
	foreignTasksAtMs: number[];
	seed: number;
}

const mostly = <T,>(usual: T, ...rare: T[]): fc.Arbitrary<T> =>
	fc.oneof(
		{ weight: 3, arbitrary: fc.constant(usual) },
		{ weight: 2, arbitrary: fc.constantFrom(...rare) },
	);

/** Undefined in most cases. */
const sometimes = <T,>(arbitrary: fc.Arbitrary<T>, freq = 3): fc.Arbitrary<T | undefined> =>
	fc.oneof({ weight: freq, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const readFaults = (maxLength: number): fc.Arbitrary<ReadFault[]> =>
	fc.array(mostly<ReadFault>('none', ...READ_FAULTS, ...READ_FAULTS, 'unauthorized'), {
		maxLength,
	});

const echo: fc.Arbitrary<Pick<ServiceOptions, 'echo' | 'echoInput' | 'includeInputs'>> = fc.record({
	echoInput: fc.boolean(),
	includeInputs: fc.constantFrom('honoured', 'ignored', 'refused'),
	echo: fc.oneof(
		fc.constant({}),
		fc.record<Required<NonNullable<EmulatorOptions['echo']>>>(
			{
				name: fc.constantFrom('input', 'inputs'),
				keys: fc.constantFrom<NonNullable<EmulatorOptions['echo']>['keys']>(
					[],
					['prompt'],
					['image', 'audio', 'prompt'],
					['seed'],
					['prompt', 'resolution'],
				) as fc.Arbitrary<['seed']>,
				trimPrompt: fc.boolean(),
				seedAsText: fc.boolean(),
				rehostFiles: fc.boolean(),
			},
			{ requiredKeys: [] },
		),
	),
});

const outage = fc
	.record({
		fromMs: fc.integer({ min: 0, max: 20 * MINUTE }),
		lastsMs: fc.integer({ min: SECOND, max: 15 * MINUTE }),
		way: fc.constantFrom(...OUTAGE_WAYS),
	})
	.map(({ fromMs, lastsMs, way }) => ({ fromMs, toMs: fromMs + lastsMs, way }));

const submitFaults = fc.oneof(
	fc.array(mostly<SubmitFault>('none', ...SUBMIT_FAULTS), { maxLength: 16 }),
	// Many answers lost together: whose task is whose?
	fc.array(
		fc.constantFrom<SubmitFault>(
			...(['none', 'slow', 'resetBefore', 'resetAfter', 'errorAfter', 'lateAfter'] as const),
		),
		{ minLength: 2, maxLength: 12 },
	),
);

const service: fc.Arbitrary<Partial<ServiceOptions>> = fc
	.record({
		echo,
		clockSkewMs: mostly(0, -10 * MINUTE, -45 * SECOND, 3 * SECOND, 10 * MINUTE),
		dateHeader: mostly(true, false),
		listLagMs: mostly(0, 3 * SECOND, LONGEST_LIST_LAG_MS),
		maxPageSize: mostly(100, 1, 2),
		outages: fc.oneof(fc.constant<ServiceOutage[]>([]), fc.array(outage, { maxLength: 2 })),
		submitFaults,
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
	})
	.map(({ echo: echoes, ...rest }) => ({ ...rest, ...echoes }));

const row: fc.Arbitrary<RowPlan> = fc.record({
	prompt: fc.constantFrom('a', 'b', ' c ', 'd'),
	file: mostly(undefined, 'x', 'y'),
	seed: mostly(-1, 7),
	changes: mostly(false, true),
});

const execution = (maxRows: number): fc.Arbitrary<ExecutionPlan> =>
	fc.record({
		kind: mostly('generate' as const, 'submit', 'tool'),
		rows: fc.array(row, { minLength: 1, maxLength: maxRows }),
		stopMode: fc.boolean(),
		maxTries: fc.constantFrom(1, 2, 3),
		waitBetweenTriesMs: fc.constantFrom(0, SECOND, 5 * SECOND),
		tasksInFlight: mostly(10_000, 1, 2, 3),
		submitsPerMinute: mostly(5_000, 1, 4),
		rowsAtOnce: sometimes(fc.integer({ min: 1, max: 4 })),
		affordable: sometimes(fc.integer({ min: 0, max: 8 })),
		isParallel: fc.boolean(),
		launches: fc.array(
			fc.record({
				// At last longer than the process remembers.
				afterMs: fc.constantFrom(0, 0, SECOND, 20 * SECOND, 2 * MINUTE, 90 * MINUTE),
				stopAfterMs: sometimes(fc.integer({ min: 0, max: 5 * MINUTE }), 5),
				isDouble: mostly(false, true),
				isOfFirst: mostly(false, true),
			}),
			{ minLength: 1, maxLength: 3 },
		),
	});

const ordinary: fc.Arbitrary<Schedule> = fc
	.record({
		service,
		tasksInFlight: fc.integer({ min: 1, max: 4 }),
		submitsPerMinute: fc.integer({ min: 1, max: 10 }),
		executions: fc.oneof(
			fc.array(execution(4), { minLength: 1, maxLength: 4 }),
			// As a form or a chat: many that want one video each.
			fc.array(execution(1), { minLength: 2, maxLength: 6 }),
			fc.array(execution(10), { minLength: 1, maxLength: 1 }),
		),
		jumps: fc.array(
			fc.oneof(
				fc.record({
					atMs: fc.integer({ min: 0, max: 15 * MINUTE }),
					byMs: fc.constantFrom(-10 * MINUTE, 10 * MINUTE, -2 * HOUR, 2 * HOUR),
				}),
				fc.record({
					atMs: fc.integer({ min: 0, max: 15 * MINUTE }),
					byMs: fc.constantFrom(MINUTE, 10 * MINUTE, 2 * HOUR),
					isSleep: fc.constant(true),
					isPause: mostly(false, true),
				}),
			),
			{ maxLength: 2 },
		),
		killsAtMs: fc.oneof(
			{ weight: 3, arbitrary: fc.constant<number[]>([]) },
			{
				weight: 1,
				arbitrary: fc.array(fc.integer({ min: 0, max: 15 * MINUTE }), {
					minLength: 1,
					maxLength: 2,
				}),
			},
		),
		foreignTasksAtMs: fc.array(fc.integer({ min: 0, max: 10 * MINUTE }), { maxLength: 3 }),
		seed: fc.integer({ min: 1, max: 1_000_000 }),
	})
	// Without an echo, the task of somebody outside this process can look exactly like a lost one.
	.map((schedule) =>
		repeatsSeeds(schedule.service) ? schedule : { ...schedule, foreignTasksAtMs: [] },
	);

/** Several want a video at the same moment, some answers are lost, and no echo tells whose is whose. */
const lostTogether: fc.Arbitrary<Schedule> = fc
	.record({
		schedule: ordinary,
		executions: fc.array(execution(2), { minLength: 2, maxLength: 4 }),
		faults: fc.array(
			fc.constantFrom<SubmitFault>('none', 'slow', 'resetBefore', 'resetAfter', 'lateAfter'),
			{ minLength: 2, maxLength: 8 },
		),
	})
	.map(({ schedule, executions, faults }) => ({
		...schedule,
		...{ tasksInFlight: 4, submitsPerMinute: 10, foreignTasksAtMs: [] },
		service: {
			...schedule.service,
			...{ echoInput: false, includeInputs: 'ignored', submitFaults: faults },
			...{ outages: [], ticketFaults: [], storeFaults: [] },
		},
		executions: executions.map((one) => ({
			...one,
			launches: one.launches.map((launch, index) =>
				index > 0 ? launch : { ...launch, afterMs: 0 },
			),
		})),
	}));

export const anySchedule: fc.Arbitrary<Schedule> = fc.oneof(
	{ weight: 4, arbitrary: ordinary },
	{ weight: 1, arbitrary: lostTogether },
);

/** Whether a list tells whose a task is. */
export function repeatsSeeds({
	echo: { keys } = {},
	...service
}: Partial<ServiceOptions>): boolean {
	const isRepeated = service.echoInput || service.includeInputs === 'honoured';
	return isRepeated === true && (!keys || keys.includes('seed'));
}
