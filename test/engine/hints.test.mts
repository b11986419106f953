import { makeSilence } from '../../scripts/live/silence.mts';
import { type RunResult, storeFile } from './harness/engine.mts';
import { GENERATE, makeRows, startRig, type Rig } from './harness/rig.mts';

let rig: Rig;
afterEach(async () => await rig.close());

const hintsOf = ({ run }: RunResult): string[] =>
	(run.data.resultData.runData.Talk?.at(-1)?.hints ?? []).map(({ message }) => message);

const DAY_MS = 24 * 60 * 60_000;

describe('hints above the output', () => {
	it('say that the account level in the credential has set the pace of a batch', async () => {
		rig = await startRig({ accountLevel: 'bronze', taskSeconds: 60 });
		const result = await rig.run({ items: await makeRows(3), parameters: GENERATE });
		expect(hintsOf(result)).toEqual([
			expect.stringMatching(/^These 3 videos were made 2 at a time, .* level is Bronze/),
		]);
	});

	it('say nothing where the rows had places enough, or the user has chosen how many', async () => {
		rig = await startRig({ accountLevel: 'bronze', taskSeconds: 60 });
		const two = await rig.run({ items: await makeRows(2), parameters: GENERATE });
		const options = { maxTasksInFlight: 1 };
		const chosen = await rig.run({
			items: await makeRows(2),
			parameters: { ...GENERATE, options },
		});
		expect([two.error, chosen.error]).toEqual([undefined, undefined]);
		expect([...hintsOf(two), ...hintsOf(chosen)]).toEqual([]);
	});

	it('say nothing of pace where nothing was submitted', async () => {
		rig = await startRig({ accountLevel: 'bronze' });
		const parameters = { ...GENERATE, operation: 'quote' };
		const result = await rig.run({ items: await makeRows(3), parameters });
		expect(result.items).toHaveLength(3);
		expect(hintsOf(result)).toEqual([]);
	});

	it('warn of videos that WaveSpeed will delete within a day', async () => {
		rig = await startRig({ taskSeconds: 60 });
		await rig.run({ items: await makeRows(2), parameters: GENERATE });
		const list = { resource: 'task', operation: 'getAll' };
		await rig.clock.runUntil(rig.clock.sleep(5.9 * DAY_MS), rig.emulator);
		const early = await rig.run({ parameters: list });
		await rig.clock.runUntil(rig.clock.sleep(0.2 * DAY_MS), rig.emulator);
		const late = await rig.run({ parameters: list });
		expect(early.items).toHaveLength(2);
		expect(hintsOf(early)).toEqual([]);
		expect(hintsOf(late)).toEqual([
			expect.stringMatching(/^2 of these videos will be deleted by WaveSpeed within a day/),
		]);
	});
});

describe('hints about long recordings', () => {
	const makeLongRow = async (seconds: number) => {
		const row = (await makeRows(1))[0]!;
		const audio = await storeFile(makeSilence(seconds), 'voice.wav', 'audio/wav');
		return { ...row, binary: { ...row.binary, audio } };
	};

	it('name the rows whose file says that it is longer than two minutes, and refuse none', async () => {
		rig = await startRig({ taskSeconds: 60 });
		const items = [await makeLongRow(119.9), await makeLongRow(135), ...(await makeRows(1))];
		const result = await rig.run({ items, parameters: GENERATE });
		expect(result.items).toHaveLength(3);
		expect(hintsOf(result)).toEqual([
			expect.stringMatching(/^One recording is longer than 120 seconds \(row 2: 135 seconds\)/),
		]);
	});

	it('name five of many', async () => {
		rig = await startRig({ taskSeconds: 60 });
		const row = await makeLongRow(121);
		const result = await rig.run({
			items: Array.from({ length: 7 }, () => row),
			parameters: GENERATE,
		});
		expect(hintsOf(result)).toEqual([expect.stringMatching(/^7 recordings are .* and 2 more\)/)]);
	});
});
