import fc from 'fast-check';

import { systemTime } from '../../nodes/shared/n8n/session/clock';
import { makeFailure } from '../../nodes/shared/wavespeed/failures';
import { parseTask } from '../../nodes/shared/wavespeed/tasks/task';
import {
	decodeState,
	encodeState,
	salvageRows,
	updateState,
	type WaitState,
} from '../../nodes/shared/n8n/waiting/state';

/** What n8n stores of a parked run, and what is read back. */

const START = 1_700_000_000_000;

// Both clocks stand still, or the few milliseconds between two lines would show.
systemTime.now = () => START - 86_400_000;
systemTime.wallTime = () => START;

const parked = (row: number, more: object = {}) => ({
	row,
	asked: { prompt: `row ${row}`, costUsd: 0.15 },
	inputFields: {},
	settings: {
		...{ simplify: true, includeInputFields: false, failedTasks: 'error' as const },
		downloadTo: undefined,
	},
	wait: {
		...{ taskId: `task${row}`, status: 'created', since: START, deadline: START + 3_600_000 },
		...{ minGapMs: 5_000, startedAt: START, nextCheckAt: START + 5_000 },
	},
	...more,
});

const stateOf = (rows: WaitState['rows']): WaitState => ({
	node: { name: 'Talk }} now', onError: 'continueErrorOutput' },
	rowCount: rows.length,
	limitAt: START + 4_200_000,
	rows,
	open: new Map(rows.flatMap((row) => ('wait' in row ? [[row.row, row.wait]] : []))),
	ends: new Map(),
});

const task = (id: string, more: object = {}) =>
	parseTask({
		...{ id, status: 'completed', outputs: ['https://v.example/1.mp4'], model: 'm' },
		...{ created_at: '2026-11-22T08:00:00.123Z', timings: { inference: 81_023 } },
		...more,
	})!;

const throughJson = (json: object): unknown => JSON.parse(JSON.stringify(json));

test('comes back from n8n as it was', () => {
	const state = stateOf([parked(0), { row: 1, items: [{ json: { error: 'no' } }] }, parked(2)]);
	state.open.delete(2);
	state.ends.set(2, { task: task('task2') });
	const read = decodeState(throughJson(encodeState(state)))!;
	expect(read.open).toEqual(state.open);
	expect(read.rows).toEqual(throughJson(state.rows));
	expect([read.node, read.rowCount]).toEqual([state.node, state.rowCount]);
	expect(read.limitAt).toBe(state.limitAt);
	const end = read.ends.get(2)!;
	const { raw, ...known } = 'task' in end ? end.task : task('none');
	const { raw: whole, ...made } = task('task2');
	expect(known).toEqual(made);
	expect([whole.model, raw.model]).toEqual(['m', undefined]);
});

test("keeps the API's own object where that is the result", () => {
	const settings = { ...parked(0).settings, simplify: false };
	const state = stateOf([parked(0, { settings })]);
	state.open.clear();
	state.ends.set(0, { task: task('task0') });
	const end = decodeState(throughJson(encodeState(state)))!.ends.get(0)!;
	expect('task' in end && end.task.raw).toEqual(task('task0').raw);
});

test('keeps the videos that a task names although its status does not say that it has ended', () => {
	const state = stateOf([parked(0), parked(1), parked(2)]);
	for (const row of [1, 2]) {
		const wait = { ...state.open.get(row)!, status: 'succeeded' };
		state.open.set(row, { ...wait, videoUrls: [`https://v.example/${row}.mp4`] });
	}
	const read = decodeState(throughJson(encodeState(state)))!;
	expect(read.open).toEqual(state.open);
});

test('writes only what a check has changed, so that n8n stores the rest once', () => {
	const state = stateOf(Array.from({ length: 1_000 }, (_, row) => parked(row)));
	const json = encodeState(state);
	for (const [row, wait] of state.open) {
		state.open.set(row, { ...wait, status: 'processing', nextCheckAt: START + 65_000 });
	}
	const later = updateState(json, state, []);
	expect(later.run).toBe(json.run);
	expect(String(later.open).length).toBeLessThan(6_000);
	expect(decodeState(throughJson(later))!.open).toEqual(state.open);

	const failure = makeFailure('refused', 'taskNotFound', { said: 'gone' });
	state.open.delete(3);
	state.ends.set(3, { failure });
	const ended = updateState(later, state, [3]);
	state.open.delete(5);
	state.ends.set(5, { error: 'a mistake' });
	const last = updateState(ended, state, [5]);
	expect((last.ends as string[])[0]).toBe((ended.ends as string[])[0]);
	expect(decodeState(throughJson(last))!.ends).toEqual(state.ends);
});

describe('a state that this version has not written', () => {
	const good = encodeState(stateOf([parked(0), parked(1)]));
	const changed = (change: (run: { rows: Record<string, unknown>[] }) => void) => {
		const run = JSON.parse(String(good.run)) as { rows: Record<string, unknown>[] };
		change(run);
		return { ...good, run: JSON.stringify(run) };
	};

	test.each<[string, unknown]>([
		['of another version', { ...good, wan22Wait: 2 }],
		['without a version', { ...good, wan22Wait: undefined }],
		['that is no object', 'text'],
		['with a text cut off', { ...good, run: String(good.run).slice(0, -1) }],
		['with a row that is neither open nor ended', { ...good, open: '[]' }],
		['with an end of a row that there is not', { ...good, ends: ['[[7,{"error":"x"}]]'] }],
		['with an end of no kind', { ...good, ends: ['[[0,{}]]'] }],
		[
			'with a task ID that would change a path',
			changed(({ rows }) => ((rows[0]!.wait as { taskId: string }).taskId = '..')),
		],
		[
			'with a time that is none',
			changed(({ rows }) => ((rows[0]!.wait as { deadline: unknown }).deadline = null)),
		],
	])('%s is not believed', (_name, json) => {
		expect(decodeState(json)).toBeUndefined();
	});

	test('gives up its rows as records of their tasks', () => {
		expect(salvageRows({ ...good, wan22Wait: 9, open: 'x' })).toEqual(
			[0, 1].map((row) => ({
				json: {
					...{ taskId: `task${row}`, status: 'unknown', videoUrl: null, videoUrls: [] },
					...{ prompt: `row ${row}`, costUsd: 0.15 },
				},
				pairedItem: { item: row },
			})),
		);
	});

	test('leaves the columns of a row as they were, beside the record', () => {
		const columns = { status: 'to do', taskId: 'mine', costUsd: 'my price' };
		const settings = { ...parked(0).settings, includeInputFields: true };
		const stored = encodeState(stateOf([parked(0, { settings, inputFields: columns })]));
		const [item] = salvageRows({ ...stored, wan22Wait: 9 });
		expect(item?.json).toEqual({
			...{ ...columns, prompt: 'row 0', videoUrl: null, videoUrls: [] },
			task: {
				...{ prompt: 'row 0', costUsd: 0.15 },
				...{ taskId: 'task0', status: 'unknown', videoUrl: null, videoUrls: [] },
			},
		});
	});

	test('never throws, whatever it is', () => {
		const anything = fc.oneof(
			fc.anything(),
			fc.record({
				wan22Wait: fc.constantFrom(1, 2),
				run: fc.oneof(fc.json(), fc.constant(good.run), fc.anything()),
				open: fc.oneof(fc.json(), fc.constant(good.open), fc.anything()),
				ends: fc.oneof(fc.array(fc.json()), fc.anything()),
			}),
		);
		fc.assert(
			fc.property(anything, (json) => {
				decodeState(json);
				salvageRows(json);
			}),
		);
	});
});
