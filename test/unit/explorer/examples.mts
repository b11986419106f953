import type { ExecutionPlan, RowPlan, Schedule } from './schedule.mts';

/** What was red once, each with the reason. */

const MINUTE = 60_000;

const rowOf = (more: Partial<RowPlan> = {}): RowPlan => ({
	...{ prompt: 'a', file: undefined, seed: -1, changes: false },
	...more,
});

const executionOf = (
	rows: Partial<RowPlan>[],
	more: Partial<ExecutionPlan> = {},
): ExecutionPlan => ({
	...{ kind: 'generate', stopMode: false, maxTries: 1, waitBetweenTriesMs: 0 },
	...{ tasksInFlight: 10_000, submitsPerMinute: 5_000, rowsAtOnce: undefined },
	...{ affordable: undefined, isParallel: false },
	launches: [{ afterMs: 0, stopAfterMs: undefined }],
	rows: rows.map(rowOf),
	...more,
});

const scheduleOf = (executions: ExecutionPlan[], more: Partial<Schedule> = {}): Schedule => ({
	...{ tasksInFlight: 4, submitsPerMinute: 10 },
	...{ service: {}, jumps: [], killsAtMs: [], foreignTasksAtMs: [], seed: 1 },
	executions,
	...more,
});

export const EXAMPLES: [string, Schedule][] = [
	[
		// The node was right: a former model took the late task for that of another row which asks for the same.
		'a task that is made after its row has failed takes none of the places of those that wait',
		scheduleOf(
			[
				executionOf([{ seed: 7 }, {}, { seed: 7 }, {}], {
					tasksInFlight: 1,
					submitsPerMinute: 1,
					launches: [
						{ afterMs: 0, stopAfterMs: undefined, stopMode: true },
						{ afterMs: 0, stopAfterMs: undefined },
					],
				}),
			],
			{ service: { submitFaults: ['resetBefore', 'none', 'lateAfter', 'none'] } },
		),
	],
	[
		// The machine's clock ruled the task out, and a second one was paid for.
		'a machine’s clock that jumps, while no answer tells the service’s time',
		scheduleOf([executionOf([{ changes: true }], { maxTries: 2 })], {
			jumps: [{ atMs: 0, byMs: -10 * MINUTE }],
			service: { dateHeader: false, includeInputs: 'honoured', submitFaults: ['errorAfter'] },
		}),
	],
	[
		'the same without an echo',
		scheduleOf([executionOf([{}], { maxTries: 2 })], {
			jumps: [{ atMs: 0, byMs: 10 * MINUTE }],
			service: { dateHeader: false, submitFaults: ['resetAfter'] },
		}),
	],
	[
		// Two of them took the same task: each had found it free before the other one took it.
		'rows that ask for the same and look at the same list',
		scheduleOf([executionOf(new Array<Partial<RowPlan>>(4).fill({ seed: 7 }), { maxTries: 2 })], {
			service: {
				echoInput: true,
				submitFaults: ['resetAfter', 'resetAfter', 'resetAfter', 'resetAfter'],
			},
		}),
	],
	[
		// A page that came twice ended the list, and the lost task was on the next one.
		'small pages that shift while the list is read',
		scheduleOf(
			[
				executionOf([{ changes: true }], { tasksInFlight: 1 }),
				executionOf(
					[{ seed: 7, changes: true }, { seed: 7 }, { file: 'x', seed: 7, changes: true }],
					{ maxTries: 3, submitsPerMinute: 1 },
				),
			],
			{
				...{ tasksInFlight: 2, submitsPerMinute: 1 },
				service: {
					...{ dateHeader: false, maxPageSize: 1, includeInputs: 'honoured' },
					submitFaults: ['none', 'lateAfter', 'none', 'none'],
					tasks: [
						{ lastsMs: 0, end: 'failed' },
						{ lastsMs: 0, end: 'completed' },
						{ lastsMs: 90 * MINUTE, end: 'completed' },
						{ lastsMs: 0, end: 'failed' },
					],
				},
				foreignTasksAtMs: [120_201, 0],
			},
		),
	],
	[
		// The task of an hour ago, of a row with the same seed, was taken for the lost one.
		'the same seed an hour later, while no answer tells the service’s time',
		scheduleOf(
			[
				executionOf([{ seed: 7 }]),
				executionOf([{ seed: 7 }], {
					launches: [{ afterMs: 70 * MINUTE, stopAfterMs: undefined }],
				}),
			],
			{
				service: {
					...{ dateHeader: false, includeInputs: 'honoured', submitFaults: ['none', 'lateAfter'] },
					tasks: [{ lastsMs: MINUTE, end: 'completed' }],
				},
			},
		),
	],
	[
		// Seen with the service's clock three seconds ahead: its task was just within the other one's minute.
		'a lost submit a minute after one of another execution, while no answer tells the service’s time',
		scheduleOf(
			[
				executionOf([{ prompt: 'b' }], { kind: 'submit' }),
				executionOf([{}], { launches: [{ afterMs: 61_500, stopAfterMs: undefined }] }),
			],
			{
				service: {
					...{ clockSkewMs: 3_000, dateHeader: false },
					submitFaults: ['resetAfter', 'resetBefore'],
				},
				foreignTasksAtMs: [],
			},
		),
	],
	[
		// By the machine's clock the other execution's task was made when this one's submit was lost.
		'the same ten minutes later, with a clock that is ten minutes wrong',
		scheduleOf(
			[
				executionOf([{ prompt: 'b' }], { kind: 'submit' }),
				executionOf([{}], { launches: [{ afterMs: 10 * MINUTE, stopAfterMs: undefined }] }),
			],
			{
				service: {
					...{ clockSkewMs: 10 * MINUTE, dateHeader: false },
					submitFaults: ['resetAfter', 'resetBefore'],
				},
			},
		),
	],
	[
		'a refused submit after a task that has failed',
		scheduleOf([executionOf([{}], { maxTries: 2 })], {
			service: { submitFaults: ['none', 'refused'], tasks: [{ lastsMs: 0, end: 'failed' }] },
		}),
	],
	[
		// The first one took the video of the second, and said nothing.
		'two executions at the same moment whose answers are lost, one with a task',
		scheduleOf([executionOf([{}], { maxTries: 2 }), executionOf([{ prompt: 'b' }])], {
			service: { submitFaults: ['resetBefore', 'resetAfter'] },
		}),
	],
	[
		// One call had taken over what the other had begun, and the other said "Nothing was paid".
		'two calls of a tool that ask for the same, one of which is kept back while the service is down',
		scheduleOf(
			[
				executionOf([{ file: 'x', seed: 7 }], { kind: 'submit', submitsPerMinute: 1 }),
				executionOf(new Array<Partial<RowPlan>>(2).fill({ prompt: 'd', seed: 7 }), {
					...{ kind: 'tool', maxTries: 2, waitBetweenTriesMs: 5_000, isParallel: true },
					...{ tasksInFlight: 1, rowsAtOnce: 1, affordable: 1 },
					launches: [
						{ afterMs: 20_000, stopAfterMs: undefined },
						{ afterMs: 0, stopAfterMs: undefined },
					],
				}),
			],
			{
				...{ tasksInFlight: 1, submitsPerMinute: 1 },
				service: {
					...{ dateHeader: false, maxPageSize: 1, echo: { keys: [] } },
					submitFaults: ['none', 'errorAfter', 'none'],
					listFaults: ['reset', 'hang', 'reset'],
				},
			},
		),
	],
	[
		// Each of the two had the stored copy alone, and both paid.
		'Retry pressed twice on an execution whose submits were refused',
		scheduleOf(
			[
				executionOf([{}, { prompt: 'b', changes: true }], {
					stopMode: true,
					launches: [
						{ afterMs: 0, stopAfterMs: undefined },
						{ afterMs: 0, stopAfterMs: undefined, isDouble: true },
					],
				}),
			],
			{ service: { submitFaults: ['refused', 'refused', 'resetAfter'] } },
		),
	],
	[
		// The first Retry had submitted and failed; the stored copy of the first execution says nothing of it.
		'Retry of the first execution once more, after its first Retry has failed',
		scheduleOf(
			[
				executionOf([{}], {
					stopMode: true,
					launches: [
						{ afterMs: 0, stopAfterMs: undefined },
						{ afterMs: 0, stopAfterMs: undefined },
						{ afterMs: 0, stopAfterMs: undefined, isOfFirst: true },
					],
				}),
			],
			{ service: { submitFaults: ['refused'], pollFaults: ['unauthorized'] } },
		),
	],
	[
		// The process before was killed with a submit under way, whose task came later than this row's search began:
		// the contract of evidence is that of one process, and the model asked for more.
		'a task that comes late of a process that is gone, without an echo',
		scheduleOf(
			[
				executionOf([{ seed: 7, changes: true }], {
					launches: [{ afterMs: 1000, stopAfterMs: undefined }],
				}),
				executionOf([{}]),
			],
			{
				...{ tasksInFlight: 1, submitsPerMinute: 1, killsAtMs: [1, 85_863] },
				service: { submitFaults: ['lateAfter', 'lateAfter'] },
			},
		),
	],
	[
		// It had waited for a place for longer than the process remembered whose task the other one was.
		'a lost submit whose row searches hours later takes no task of an equal row',
		scheduleOf(
			[
				executionOf([{ file: 'x' }]),
				executionOf([{ seed: 7 }, { prompt: 'd', seed: 7 }], {
					...{ kind: 'tool', tasksInFlight: 1, submitsPerMinute: 5_000, isParallel: true },
					launches: [
						{ afterMs: 1_000, stopAfterMs: undefined },
						{ afterMs: 0, stopAfterMs: undefined, isDouble: true },
					],
				}),
				executionOf([{ prompt: 'd', seed: 7 }], {
					...{ maxTries: 3, submitsPerMinute: 1 },
					launches: [
						{ afterMs: 1_000, stopAfterMs: undefined, isDouble: true },
						{ afterMs: 0, stopAfterMs: undefined, isOfFirst: true },
					],
				}),
				executionOf([{}], { submitsPerMinute: 1 }),
			],
			{
				...{ tasksInFlight: 1, submitsPerMinute: 1, seed: 12 },
				service: {
					...{ dateHeader: false, listLagMs: 3_000, includeInputs: 'honoured' },
					...{ submitFaults: ['none', 'lateAfter', 'hangBefore'], storeFaults: ['reset'] },
					tasks: [
						{ lastsMs: 5_400_000, end: 'completed' },
						{ lastsMs: 0, end: 'failed' },
						{ lastsMs: 5_400_000, end: 'completed' },
					],
				},
			},
		),
	],
	[
		// Each of the two learned what the other one had paid for a row only when it had that row's turn.
		'Retry pressed twice with money for two videos, after two answers that were lost',
		scheduleOf(
			[
				executionOf([{ seed: 7 }, { file: 'x' }, { file: 'x', seed: 7, changes: true }], {
					...{ rowsAtOnce: 3, affordable: 2 },
					launches: [
						{ afterMs: 0, stopAfterMs: 180_161 },
						{ afterMs: 0, stopAfterMs: undefined, isDouble: true },
					],
				}),
			],
			{
				...{ tasksInFlight: 1, submitsPerMinute: 1 },
				service: {
					...{ listLagMs: 3_000, maxPageSize: 1, includeInputs: 'honoured', echo: { keys: [] } },
					submitFaults: ['hangBefore', 'hangBefore'],
				},
			},
		),
	],
	[
		// The process had forgotten by then when it was sent, and only knew it by the machine's clock, which was right again.
		'a submit that was lost while the machine’s clock was wrong, and is looked for an hour after it was set',
		scheduleOf(
			[
				executionOf([{ seed: 7 }], {
					stopMode: true,
					launches: [
						{ afterMs: 0, stopAfterMs: undefined },
						{ afterMs: 90 * MINUTE, stopAfterMs: undefined },
					],
				}),
				executionOf([{ prompt: 'b' }], {
					launches: [{ afterMs: 70 * MINUTE, stopAfterMs: undefined }],
				}),
			],
			{
				service: { clockSkewMs: -10 * MINUTE, listLagMs: 35_000, submitFaults: ['resetAfter'] },
				jumps: [{ atMs: 81, byMs: -10 * MINUTE }],
			},
		),
	],
	[
		// The time of the submit was noted anew when it was given up, by a clock that had stood still meanwhile.
		'a submit during which the machine goes to sleep, as a laptop does',
		scheduleOf(
			[
				executionOf([{ file: 'x' }], { kind: 'submit', maxTries: 2 }),
				executionOf([{ file: 'y' }], {
					stopMode: true,
					launches: [{ afterMs: 20_000, stopAfterMs: undefined }],
				}),
				executionOf([{}], { launches: [{ afterMs: 120_000, stopAfterMs: undefined }] }),
			],
			{
				...{ tasksInFlight: 1, submitsPerMinute: 1 },
				service: { includeInputs: 'honoured', echoInput: false, submitFaults: ['hangAfter'] },
				jumps: [{ atMs: 201, byMs: 120 * MINUTE, isSleep: true }],
			},
		),
	],
];
