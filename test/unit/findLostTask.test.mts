import { Account } from '../../nodes/shared/account/account';
import { Submissions } from '../../nodes/shared/account/submissions';
import { inputOf, Ledger, type LedgerStore, type SentEntry } from '../../nodes/shared/batch/ledger';
import { type Finding, findLostTask } from '../../nodes/shared/batch/recovery/findLostTask';
import { createRig, failureFrom, ok, rawTask, refusal, type Step } from './support/api.mts';
import { START_MS } from './support/virtualTime.mts';
import type { SubmitInput } from '../../nodes/shared/wavespeed/tasks/submitTask';

const INPUT: SubmitInput = {
	image: 'https://files.example/face.png',
	audio: 'https://files.example/voice.mp3',
	prompt: 'a smile',
	resolution: '480p',
	seed: 77,
};

const at = (ms: number): string => new Date(START_MS + ms).toISOString();
const page = (...items: unknown[]): Step => ok({ page: 1, items });

let sentCount = 0;
const sent = (sentAt: number, input: SubmitInput): SentEntry => ({
	sentAt,
	clock: 'service',
	accountId: 'account',
	submissionId: `submission ${(sentCount += 1)}`,
	isSeedDrawn: true,
	asked: 'asked',
	input,
});

/** A ledger in which row 0 was sent at the start and ended without an answer after 5 s. */
const createLost = (store: LedgerStore = {}): Ledger => {
	const ledger = new Ledger(store, 0);
	ledger.noteSent(0, 'hash', sent(START_MS, INPUT));
	ledger.noteUnknown(0, 'hash', { sentAt: START_MS, endedAt: START_MS + 5_000, clock: 'service' });
	return ledger;
};

/** The search for row 0, by the process that has sent it: the account knows its submit. */
async function search(
	ledger: Ledger,
	steps: Step[],
	account?: (account: Account) => void,
	dateHeader = true,
	sleptMs = 0,
): Promise<Finding & { requests: unknown[] }> {
	const { api, time, requests } = createRig([...steps, page()]);
	time.jumpWall(sleptMs);
	const entry = ledger.find(0, 'hash');
	if (!entry) throw new Error('the ledger has no entry');
	const known = new Account('ultra', () => 0.5, new Submissions(time.now()));
	const own = known.submissions.begin(entry.submissionIds[0] ?? '', START_MS);
	known.submissions.lose(own, START_MS + 5_000);
	account?.(known);
	const headers: Record<string, string> = dateHeader
		? { date: new Date(time.now() + sleptMs).toUTCString() }
		: {};
	const clock = { ...time.clock, now: () => time.now() + 500 };
	known.serviceClock.note(headers, clock);
	const lost = { key: ledger.key(0, 'hash'), entry, input: inputOf(entry) };
	const finding = await time.run(
		findLostTask({ api, account: known, accountId: 'account', ledger }, lost),
	);
	return { ...finding, requests: requests.map(({ json }) => json) };
}

describe('the search for the task of a lost submit', () => {
	it('finds nothing where there is nothing', async () => {
		expect(await search(createLost(), [page()])).toMatchObject({ kind: 'none' });
	});

	it('asks for the model and a quarter of an hour around the attempt', async () => {
		const { requests } = await search(createLost(), [page()]);
		expect(requests).toEqual([
			{
				page: 1,
				page_size: 100,
				model: 'wavespeed-ai/wan-2.2/speech-to-video',
				created_after: at(-60_000 - 900_000),
				created_before: at(125_000 + 900_000),
				include_inputs: true,
			},
		]);
	});

	it('takes the one task that nobody knows for the one submit that nobody can place', async () => {
		const finding = await search(createLost(), [
			page(rawTask('lost', 'created', { created_at: at(1_000) })),
		]);
		expect(finding).toMatchObject({ kind: 'found', task: { id: 'lost' } });
	});

	it('finds it after the machine has slept, where no answer had told the service’s time before', async () => {
		const ledger = createLost();
		const times = { sentAt: START_MS, endedAt: START_MS + 5_000 };
		ledger.noteUnknown(0, 'hash', { ...times, clock: 'machine' });
		const tasks = page(rawTask('lost', 'created', { created_at: at(1_000) }));
		const finding = await search(ledger, [tasks], undefined, true, 3_600_000);
		expect(finding).toMatchObject({ kind: 'found', task: { id: 'lost' } });
	});

	it('names all of several tasks and takes none', async () => {
		const finding = await search(createLost(), [page(rawTask('a'), rawTask('b'))]);
		expect(finding).toMatchObject({ kind: 'several', taskIds: ['a', 'b'] });
	});

	it('takes none when two rows were lost and one task is there', async () => {
		const ledger = createLost();
		ledger.noteSent(1, 'other', sent(START_MS + 1_000, INPUT));
		expect(await search(ledger, [page(rawTask('a'))])).toMatchObject({
			kind: 'several',
			taskIds: ['a'],
		});
	});

	it('counts rows of other rounds of a loop among the lost', async () => {
		const store: LedgerStore = {};
		new Ledger(store, 7).noteSent(0, 'hash', sent(START_MS, INPUT));
		expect(await search(createLost(store), [page(rawTask('a'))])).toMatchObject({
			kind: 'several',
		});
	});

	it('does not mind a row that was lost at quite another time', async () => {
		const ledger = createLost();
		ledger.noteSent(1, 'other', sent(START_MS + 3_600_000, INPUT));
		expect(await search(ledger, [page(rawTask('a'))])).toMatchObject({ kind: 'found' });
	});

	it('does not take tasks that have their row, whether running or failed and replaced', async () => {
		const ledger = createLost();
		ledger.noteSent(1, 'h', sent(START_MS, INPUT));
		ledger.noteAccepted(1, 'h', 'replaced');
		ledger.noteSent(1, 'h', sent(START_MS, INPUT));
		ledger.noteAccepted(1, 'h', 'running');
		const known = [rawTask('replaced'), rawTask('running')];
		expect(await search(ledger, [page(...known)])).toMatchObject({ kind: 'none' });
		expect(await search(ledger, [page(...known, rawTask('lost'))])).toMatchObject({
			kind: 'found',
			task: { id: 'lost' },
		});
	});

	it('does not take tasks of other models, or of another time, should the service ignore the filter', async () => {
		const finding = await search(createLost(), [
			page(
				rawTask('model', 'created', { model: 'wavespeed-ai/infinitetalk' }),
				rawTask('early', 'created', { created_at: at(-60_001) }),
				rawTask('late', 'created', { created_at: at(125_001) }),
			),
		]);
		expect(finding).toMatchObject({ kind: 'none' });
	});

	it('takes no task of another account but one whose input agrees', async () => {
		const ofOther = (): Ledger => {
			const ledger = createLost();
			ledger.find(0, 'hash')!.accountId = 'other';
			return ledger;
		};
		expect(await search(ofOther(), [page(rawTask('a'))])).toMatchObject({
			kind: 'several',
			taskIds: ['a'],
		});
		const mine = rawTask('mine', 'created', { input: INPUT });
		expect(await search(ofOther(), [page(mine)])).toMatchObject({ kind: 'found' });
	});

	it('keeps a task without a readable time in mind', async () => {
		const task = rawTask('undated', 'created', { created_at: 'soon' });
		expect(await search(createLost(), [page(task)])).toMatchObject({ kind: 'found' });
	});

	describe('where the service repeats inputs', () => {
		const echo = (id: string, more: Partial<Record<keyof SubmitInput, unknown>> = {}) =>
			rawTask(id, 'created', { input: { ...INPUT, ...more } });

		it('lets the equal input decide among several', async () => {
			const finding = await search(createLost(), [
				page(
					echo('x', { seed: 1 }),
					echo('mine'),
					echo('y', { seed: 2, image: 'https://files.example/2' }),
				),
			]);
			expect(finding).toMatchObject({ kind: 'found', task: { id: 'mine' } });
		});

		it('lets the equal input decide also when other rows were lost', async () => {
			const ledger = createLost();
			ledger.noteSent(1, 'other', sent(START_MS, { ...INPUT, seed: 1 }));
			expect(await search(ledger, [page(echo('mine'))])).toMatchObject({ kind: 'found' });
		});

		it('rules out a single task with another seed', async () => {
			const task = echo('x', { seed: 78 });
			expect(await search(createLost(), [page(task)])).toMatchObject({ kind: 'none' });
		});

		const OTHER = 'https://files.example/other';

		it.each(['image', 'audio'] as const)(
			'rules out a task without a seed whose %s is that of another row',
			async (name) => {
				const ledger = createLost();
				ledger.noteSent(1, 'other', sent(START_MS, { ...INPUT, seed: 1, [name]: OTHER }));
				ledger.noteAccepted(1, 'other', 'known');
				const task = echo('x', { seed: undefined, [name]: OTHER });
				expect(await search(ledger, [page(task)])).toMatchObject({ kind: 'none' });
			},
		);

		it('rules out a task without a seed whose picture was uploaded for something else', async () => {
			const task = echo('x', { seed: undefined, image: OTHER });
			const upload = async ({ uploads }: Account): Promise<unknown> =>
				await uploads.urlOf('other', createRig([]).api, async () => await Promise.resolve(OTHER));
			const known = new Account('ultra', () => 0.5, new Submissions(START_MS));
			await upload(known);
			const finding = await search(createLost(), [page(task)], (account) =>
				Object.assign(account, { uploads: known.uploads }),
			);
			expect(finding).toMatchObject({ kind: 'none' });
		});

		it.each<[string, Partial<Record<keyof SubmitInput, unknown>>]>([
			['a trimmed prompt', { prompt: 'a smile ' }],
			['another prompt', { prompt: 'a frown' }],
			['the seed alone', { image: undefined, audio: undefined, prompt: undefined }],
			[
				'files at another host',
				{ image: 'https://copy.example/1', audio: 'https://copy.example/2' },
			],
			['copies of the files at the same host', { image: 'https://files.example/copies/1' }],
			['another resolution', { resolution: '720p' }],
		])(
			'takes the task with the drawn seed, whatever else is spelled otherwise: %s',
			async (_, more) => {
				const others = [echo('x', { seed: 1 }), rawTask('bare')];
				const finding = await search(createLost(), [page(...others, echo('mine', more))]);
				expect(finding).toMatchObject({ kind: 'found', task: { id: 'mine' } });
			},
		);

		it.each<[string, Partial<Record<keyof SubmitInput, unknown>>]>([
			['without a seed', { seed: undefined }],
			['with the seed that means any', { seed: -1 }],
		])('takes the only task %s, as one without an input', async (_, more) => {
			expect(await search(createLost(), [page(echo('x', more))])).toMatchObject({ kind: 'found' });
		});

		it.each<[string, Partial<Record<keyof SubmitInput, unknown>>]>([
			['with another prompt', { prompt: 'a frown' }],
			['with files at another host', { image: 'https://copy.example/1' }],
			['with files at another address of the same host', { image: 'https://files.example/kept/1' }],
			['with another signature behind the address', { image: `${INPUT.image}?signed=1` }],
			['at another resolution', { resolution: '720p' }],
		])('names the only task without a seed and %s, and does not take it', async (_, more) => {
			const finding = await search(createLost(), [page(echo('x', { ...more, seed: undefined }))]);
			expect(finding).toMatchObject({ kind: 'several', taskIds: ['x'] });
		});

		it('does not take the only task without an input that is older than the submit', async () => {
			const old = rawTask('old', 'created', { created_at: at(-30_000) });
			expect(await search(createLost(), [page(old)])).toMatchObject({ kind: 'several' });
		});

		it('does not take the only task when another run of the process has sent something meanwhile', async () => {
			for (const state of ['accept', 'lose'] as const) {
				const finding = search(createLost(), [page(rawTask('a'))], ({ submissions }) => {
					const other = submissions.begin('of another run', START_MS + 1_000);
					if (state === 'accept') submissions.accept(other, 'known', START_MS + 2_000);
					else submissions.lose(other, START_MS + 2_000);
				});
				expect(await finding).toMatchObject({ kind: 'several', taskIds: ['a'] });
			}
		});

		it('does not take the only task when the process does not know all that was sent then', async () => {
			const ledger = createLost();
			const { api, time } = createRig([page(rawTask('a')), page()]);
			const account = new Account('ultra', () => 0.5, new Submissions(time.now()));
			const entry = ledger.find(0, 'hash')!;
			const lost = { key: ledger.key(0, 'hash'), entry, input: inputOf(entry) };
			const finding = await time.run(
				findLostTask({ api, account, accountId: 'account', ledger }, lost),
			);
			expect(finding).toMatchObject({ kind: 'several', taskIds: ['a'] });
		});

		it('takes the oldest of several equal ones: any of them shows the same video', async () => {
			const finding = await search(createLost(), [page(echo('newer'), echo('older'))]);
			expect(finding).toMatchObject({ kind: 'found', task: { id: 'older' } });
		});

		it('takes the one task without an input when the others are someone else’s', async () => {
			const finding = await search(createLost(), [page(echo('x', { seed: 1 }), rawTask('bare'))]);
			expect(finding).toMatchObject({ kind: 'found', task: { id: 'bare' } });
		});
	});

	it('looks at all pages, and at a task once that moved from one to the next', async () => {
		const full = Array.from({ length: 99 }, (_, index) =>
			rawTask(`old${index}`, 'created', { created_at: at(-7_200_000) }),
		);
		const finding = await search(createLost(), [
			page(...full, rawTask('lost')),
			page(rawTask('lost'), ...full.slice(0, 5)),
		]);
		expect(finding).toMatchObject({ kind: 'found', task: { id: 'lost' } });
		expect(finding.requests).toHaveLength(5);
	});

	describe('while no answer tells the service’s time', () => {
		const hour = 60 * 60_000;
		const wrong = { created_at: at(-hour) };

		it('takes a task with its drawn seed, whatever the clocks say', async () => {
			const task = rawTask('lost', 'created', { ...wrong, inputs: INPUT });
			const finding = await search(createLost(), [page(task)], undefined, false);
			expect(finding).toMatchObject({ kind: 'found', task: { id: 'lost' } });
		});

		it('does not take a task of another time for its seed if that is the user’s own', async () => {
			const ledger = createLost();
			Object.assign(ledger.find(0, 'hash') ?? {}, { isSeedDrawn: false });
			const task = rawTask('earlier', 'created', { ...wrong, inputs: INPUT });
			const finding = await search(ledger, [page(task)], undefined, false);
			expect(finding).toMatchObject({ kind: 'several', taskIds: ['earlier'] });
		});

		it('names a task of another time rather than say that there is none, and does not take it', async () => {
			const finding = await search(
				createLost(),
				[page(rawTask('lost', 'created', wrong))],
				undefined,
				false,
			);
			expect(finding).toMatchObject({ kind: 'several', taskIds: ['lost'] });
		});
	});

	it('fails, rather than say that there is none, should the list never come to an end', async () => {
		const full = Array.from({ length: 100 }, (_, index) => rawTask(`task${index}`));
		const pages = Array.from({ length: 2 }, () => page(...full));
		const failure = await failureFrom(search(createLost(), pages));
		expect(failure.kind).toBe('unavailable');
	});

	it('fails when the list cannot be read, rather than take it for empty', async () => {
		for (const [step, kind] of [
			[refusal(500), 'unavailable'],
			[refusal(401), 'credential'],
			[ok({ page: 1 }), 'unavailable'],
		] as const) {
			const steps = [step, step, step];
			expect((await failureFrom(search(createLost(), steps))).kind).toBe(kind);
		}
	});
});
