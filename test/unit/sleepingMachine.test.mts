import { createBatchRig, createRequest, type Connection } from './support/batchRig.mts';
import { failureInWords } from './support/words.mts';

/** A submit without a clear answer, and clocks that stand still or are set around it: it is paid for once all the same. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
type Rig = ReturnType<typeof createBatchRig>;
type Outcomes = Awaited<ReturnType<Rig['attempt']>>;

const taskOrError = (outcomes: Outcomes): string[] =>
	outcomes.map((one) => (one.ok ? one.value.submitted.taskId : failureInWords(one.error).message));

/** As a virtual machine: both of its clocks stand still, and the service's goes on. */
function pauseMachine({ service, time }: Rig, ms: number): void {
	service.sleepMachine(ms);
	time.jumpWall(-ms);
}

test.each([15_000, 45_000, 65_000, 100_000, 300_000, HOUR])(
	'a virtual machine that is paused for %d ms during its first submit pays once',
	async (ms) => {
		const rig = createBatchRig({ submitFaults: ['hangAfter'] });
		const run = rig.start([createRequest()]);
		await rig.time.advance(5_000);
		pauseMachine(rig, ms);
		await rig.time.run(run.outcomes);
		expect(taskOrError(await rig.attempt([createRequest()]))).toEqual(['task0']);
		expect(rig.service.tasks).toHaveLength(1);
	},
);

test('a clock that is set back by more than the machine slept, both during the submit', async () => {
	const rig = createBatchRig({ submitFaults: ['hangAfter'] });
	const run = rig.start([createRequest()]);
	await rig.time.advance(5_000);
	rig.service.sleepMachine(HOUR);
	rig.time.jumpWall(-2 * HOUR);
	await rig.time.run(run.outcomes);
	await rig.attempt([createRequest()]);
	expect(rig.service.tasks).toHaveLength(1);
});

test('a laptop that is closed while an answer comes does not believe its time: a restart later the submit is found', async () => {
	const rig = createBatchRig({ submitFaults: ['none', 'resetAfter'], listLagMs: 35_000 });
	let hasSlept = false;
	const connectThrough = ({ clock, send }: Connection): Connection => ({
		clock,
		send: async (request) => {
			const answer = await send(request);
			const [task] = rig.service.tasks;
			if (!hasSlept && task && task.endsAt <= rig.service.now()) {
				hasSlept = true;
				rig.service.sleepMachine(HOUR);
			}
			return answer;
		},
	});
	await rig.attempt([createRequest({ prompt: 'x' })], { ledgerStore: {}, connectThrough });
	await rig.attempt([createRequest()]);
	rig.restart();
	await rig.time.advance(2 * MINUTE);
	await rig.attempt([createRequest()]);
	expect(hasSlept).toBe(true);
	expect(rig.service.tasks).toHaveLength(2);
});

test('the pause of a virtual machine before the submit, and a retry when the process has forgotten it', async () => {
	const rig = createBatchRig({ submitFaults: ['none', 'resetAfter'], listLagMs: 35_000 });
	await rig.attempt([createRequest({ prompt: 'x' })], { ledgerStore: {} });
	pauseMachine(rig, HOUR);
	await rig.attempt([createRequest()]);
	await rig.time.advance(65 * MINUTE);
	await rig.attempt([createRequest({ prompt: 'y' })], { ledgerStore: {} });
	await rig.attempt([createRequest()]);
	expect(rig.service.tasks).toHaveLength(3);
});

describe('a night of sleep after a lost submit, in which somebody else has ordered a video', () => {
	const sleep = async (fault: 'resetBefore' | 'resetAfter') => {
		const rig = createBatchRig({
			submitFaults: [fault],
			listFaults: ['reset', 'reset', 'reset'],
		});
		await rig.attempt([createRequest()]);
		rig.service.sleepMachine(4 * HOUR);
		const foreign = rig.service.addForeignTask();
		rig.service.sleepMachine(4 * HOUR);
		return { foreign, got: taskOrError(await rig.attempt([createRequest()])) };
	};

	test('gives the row its own video', async () => {
		expect((await sleep('resetAfter')).got).toEqual(['task0']);
	});

	test('gives the row nobody else’s, where its submit made no task', async () => {
		const { foreign, got } = await sleep('resetBefore');
		expect(got).not.toContain(foreign.id);
	});
});
