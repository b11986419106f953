import type { IDataObject } from 'n8n-workflow';

import { addToRow, taskIdOfItem } from '../../nodes/shared/n8n/output/rowFields';

const TASK = { videoUrl: null, status: 'created', taskId: 't1', prompt: 'hello' };

describe('a row that keeps its fields', () => {
	it('is not changed: what has another name is added, and all of the task is under task', () => {
		const row = { name: 'Ada', status: 'new', prompt: 'my own words', videoUrl: '' };
		expect(addToRow(row, TASK)).toEqual({ ...row, taskId: 't1', task: TASK });
		expect(row).toEqual({ name: 'Ada', status: 'new', prompt: 'my own words', videoUrl: '' });
	});

	it('keeps empty cells, too', () => {
		const row = { status: null, taskId: undefined, prompt: 0 } as unknown as IDataObject;
		expect(addToRow(row, TASK)).toMatchObject({ status: null, taskId: undefined, prompt: 0 });
	});

	it('keeps its first columns first', () => {
		expect(Object.keys(addToRow({ id: 1, name: 'Ada' }, TASK))).toEqual([
			...['id', 'name', 'videoUrl', 'status', 'taskId', 'prompt', 'task'],
		]);
	});

	it('can have columns that every object has', () => {
		const row = JSON.parse('{"constructor":"Lloyd","__proto__":"x","toString":1}') as IDataObject;
		const json = addToRow(row, { ...TASK, hasOwnProperty: 'yes' });
		expect(Object.entries(json)).toEqual([
			['constructor', 'Lloyd'],
			['__proto__', 'x'],
			['toString', 1],
			...Object.entries(TASK),
			['hasOwnProperty', 'yes'],
			['task', { ...TASK, hasOwnProperty: 'yes' }],
		]);
		expect(Object.getPrototypeOf(json)).toBe(Object.prototype);
	});

	it('with a column task has the task under another name', () => {
		for (const task of ['paint the wall', { id: 7 }, { taskId: 'another' }, null]) {
			expect(addToRow({ task }, TASK)).toMatchObject({ task, wan22Task: TASK });
		}
		const taken = { task: 1, wan22Task: 2 };
		expect(addToRow(taken, TASK)).toEqual({ ...TASK, ...taken, wan22Task2: TASK });
	});

	it('shows the newest of its task beside an object of the same name as ours', () => {
		const row = { task: { id: 'CU-17', status: 'open' }, name: 'Ada' };
		const done = { ...TASK, status: 'completed', videoUrl: 'https://v' };
		expect(addToRow(addToRow(row, TASK), done)).toEqual({ ...row, ...done, wan22Task: done });
	});

	it('keeps the tasks of all nodes that made a video of it', () => {
		const ids = ['t1', 't2', 't3', 't4'];
		const row = ids.reduce<IDataObject>((json, taskId) => addToRow(json, { ...TASK, taskId }), {
			name: 'Ada',
		});
		expect(row).toMatchObject({
			...{ name: 'Ada', taskId: 't1', task: { taskId: 't1' }, wan22Task: { taskId: 't2' } },
			...{ wan22Task2: { taskId: 't3' }, wan22Task3: { taskId: 't4' } },
		});
		expect(taskIdOfItem(row)).toBe('t4');
		// The third one is read again.
		const done = { ...TASK, taskId: 't3', status: 'completed' };
		expect(addToRow(row, done)).toEqual({ ...row, wan22Task2: done });
	});

	it('shows the newest of the same task, where a node before has put it there', () => {
		const submitted = addToRow({ name: 'Ada', status: 'new' }, TASK);
		const done = { ...TASK, status: 'completed', videoUrl: 'https://v' };
		expect(addToRow(submitted, done)).toEqual({
			...{ name: 'Ada', status: 'new', videoUrl: 'https://v', taskId: 't1', prompt: 'hello' },
			task: done,
		});
	});

	it('shows the newest of the task that the item is about', () => {
		const item = { ...TASK, videoUrls: [], name: 'Ada' };
		const done = { ...TASK, videoUrls: ['https://v'], status: 'completed', videoUrl: 'https://v' };
		expect(addToRow(item, done)).toEqual({ ...done, name: 'Ada', task: done });
		const sheet = { taskId: 't1', status: 'new', videoUrl: '' };
		expect(addToRow(sheet, done)).toMatchObject({ ...sheet, videoUrls: ['https://v'] });
	});

	it('keeps what a person has changed in between, and the task of another video', () => {
		const submitted = { ...addToRow({ name: 'Ada' }, TASK), prompt: 'my own words' };
		const done = { ...TASK, videoUrl: 'https://v' };
		expect(addToRow(submitted, done)).toMatchObject({ prompt: 'my own words' });
		const another = { ...done, taskId: 't2' };
		expect(addToRow(addToRow({}, TASK), another)).toEqual({
			...{ ...TASK, task: TASK, wan22Task: another },
		});
	});
});

describe('the task of an item', () => {
	it('is found whatever columns the row has', () => {
		expect(taskIdOfItem(TASK)).toBe('t1');
		expect(taskIdOfItem(addToRow({ taskId: 'a column' }, TASK))).toBe('t1');
		expect(taskIdOfItem(addToRow({ task: { taskId: 'x' } }, TASK))).toBe('t1');
		expect(taskIdOfItem({ error: 'no', details: { taskId: 't1' } })).toBe('t1');
	});

	it('is none where there is none', () => {
		expect(taskIdOfItem({ id: 'a column', error: 'no', details: {} })).toBeUndefined();
		expect(taskIdOfItem({ costUsd: 1 })).toBeUndefined();
	});
});
