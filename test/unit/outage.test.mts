import { Account } from '../../nodes/shared/account/account';
import { Submissions } from '../../nodes/shared/account/submissions';
import type { AccountLevel } from '../../nodes/shared/wavespeed/accountLevels';
import { ACCOUNT_LIMITS } from '../../nodes/shared/wavespeed/accountLevels';
import { failureOf } from '../../nodes/shared/wavespeed/failures';
import { type BatchRig, createBatchRig, createRequest, fileOf } from './support/batchRig.mts';
import {
	OUTAGE_WAYS,
	type ReadFault,
	type ServiceOutage,
	type SubmitFault,
} from './support/service.mts';

/** The service is down, and a batch of any size has to say so within minutes. */

const ROWS = 1_000;
const MINUTE = 60_000;
const LEVELS: AccountLevel[] = ['bronze', 'ultra'];

interface Case {
	way: ServiceOutage['way'];
	level: AccountLevel;
	/** Different ones, so that each has to be uploaded. */
	hasFiles: boolean;
	submitsOnly: boolean;
	/** Each asks for its price first. */
	hasCostLimit?: boolean;
}

const CASES: Case[] = OUTAGE_WAYS.flatMap((way) =>
	LEVELS.flatMap((level) =>
		[false, true].flatMap((hasFiles) =>
			[false, true].map((submitsOnly) => ({ way, level, hasFiles, submitsOnly })),
		),
	),
);

const PRICED: Case[] = OUTAGE_WAYS.flatMap((way) =>
	[false, true].map((submitsOnly): Case => {
		return { way, level: 'silver', hasFiles: false, submitsOnly, hasCostLimit: true };
	}),
);

const describeCase = ({ way, level, hasFiles, submitsOnly, hasCostLimit }: Case): string =>
	`${way}, ${level}, ${hasFiles ? 'with files' : 'with URLs'}, ${submitsOnly ? 'submit' : 'generate'}${hasCostLimit ? ', with a cost limit' : ''}`;

async function failAll(
	rig: BatchRig,
	{ level, hasFiles, submitsOnly, hasCostLimit }: Case,
): Promise<{ kinds: Set<string | undefined>; tookMs: number }> {
	const requests = Array.from({ length: ROWS }, (_, row) =>
		createRequest({
			prompt: `row ${row}`,
			...(hasCostLimit ? { maxCostPerRun: 10 } : {}),
			...(hasFiles ? { image: fileOf(`picture ${row}`) } : {}),
		}),
	);
	const startedAt = rig.time.now();
	const { tasksInFlight, submitsPerMinute } = ACCOUNT_LIMITS[level];
	const outcomes = await rig.attempt(requests, {
		account: new Account(level, () => 0.5, new Submissions(rig.time.now())),
		submitsOnly,
		...{ tasksInFlight, submitsPerMinute },
		// As many as the node works on side by side.
		...(submitsOnly ? { rowsAtOnce: ROWS } : {}),
	});
	const kinds = new Set(
		outcomes.map((outcome) => (outcome.ok ? 'no failure' : failureOf(outcome.error)?.kind)),
	);
	return { kinds, tookMs: rig.time.now() - startedAt };
}

describe('a thousand rows while the service is down', () => {
	it.each([...CASES, ...PRICED].map((one): [string, Case] => [describeCase(one), one]))(
		'have all failed within five minutes: %s',
		async (_, one) => {
			const outages = [{ fromMs: 0, toMs: Infinity, way: one.way }];
			const rig = createBatchRig({ outages });
			const { kinds, tookMs } = await failAll(rig, one);
			expect(
				[...kinds].filter((kind) => kind !== 'unavailable' && kind !== 'submitUnknown'),
			).toEqual([]);
			expect(tookMs).toBeLessThanOrEqual(5 * MINUTE);
			expect(rig.service.tasks).toEqual([]);
		},
	);
});

describe('a gap without a connection', () => {
	it.each(
		LEVELS.flatMap((level) =>
			[2, 45, 80].map((seconds): [number, AccountLevel] => [seconds, level]),
		),
	)('of %i s fails no row, and pays none twice: %s', async (seconds, level) => {
		// When the submits of the second minute are due.
		const [fromMs, toMs] = [60_000, 60_000 + seconds * 1_000];
		const rig = createBatchRig({ outages: [{ fromMs, toMs, way: 'refused' }] });
		const rows = Array.from({ length: 30 }, (_, row) => createRequest({ prompt: `row ${row}` }));
		const outcomes = await rig.attempt(rows, {
			account: new Account(level, () => 0.5, new Submissions(rig.time.now())),
			...{ tasksInFlight: 2, submitsPerMinute: 2 },
		});
		expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
		expect(rig.service.tasks).toHaveLength(30);
	});

	it.each(
		// While the first files and prices are under way, at any step.
		[0, 50, 100, 150, 200, 250, 300].flatMap((fromMs) =>
			[20, 80].flatMap((seconds) => LEVELS.map((level) => [seconds, fromMs, level] as const)),
		),
	)(
		'of %i s after %i ms fails no row that uploads its files and asks for its price: %s',
		async (seconds, fromMs, level) => {
			const gap = { fromMs, toMs: fromMs + seconds * 1_000, way: 'refused' } as const;
			const rig = createBatchRig({ outages: [gap] });
			const rows = Array.from({ length: 30 }, (_, row) =>
				createRequest({ image: fileOf(`picture ${row}`), maxCostPerRun: 100 }),
			);
			const outcomes = await rig.attempt(rows, {
				account: new Account(level, () => 0.5, new Submissions(rig.time.now())),
				...{ tasksInFlight: 10, submitsPerMinute: 60 },
			});
			expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
			expect(rig.service.tasks).toHaveLength(30);
		},
	);
});

it('a gap that begins with a cut-off submit costs this row alone', async () => {
	const rig = createBatchRig({
		submitFaults: ['resetBefore'],
		outages: [{ fromMs: 60, toMs: 45_000, way: 'refused' }],
	});
	const rows = Array.from({ length: 30 }, (_, row) => createRequest({ prompt: `row ${row}` }));
	const outcomes = await rig.attempt(rows, { tasksInFlight: 2, submitsPerMinute: 2 });
	expect(outcomes.filter(({ ok }) => !ok)).toHaveLength(1);
	expect(rig.service.tasks).toHaveLength(29);
});

describe('a thousand rows whose uploads are always answered with "too many requests"', () => {
	it.each(LEVELS)('have failed in little more than ten minutes: %s', async (level) => {
		const rig = createBatchRig({ ticketFaults: new Array<ReadFault>(ROWS * 9).fill('tooMany') });
		const one: Case = { way: 'error', level, hasFiles: true, submitsOnly: false };
		const { kinds, tookMs } = await failAll(rig, one);
		expect([...kinds]).toEqual(['rateLimited']);
		expect(tookMs).toBeLessThanOrEqual(14 * MINUTE);
	});

	it('are tried as long as one gets through now and then', async () => {
		const faults = Array.from({ length: ROWS }, (_, at): ReadFault => {
			return at % 10 === 9 ? 'none' : 'tooMany';
		});
		const rig = createBatchRig({ ticketFaults: faults });
		const rows = Array.from({ length: 20 }, (_, row) =>
			createRequest({ image: fileOf(`picture ${row}`) }),
		);
		const outcomes = await rig.attempt(rows, { tasksInFlight: 1, rowsAtOnce: 1 });
		expect(outcomes.filter(({ ok }) => !ok)).toEqual([]);
		expect(rig.time.elapsed()).toBeGreaterThan(30 * MINUTE);
	});
});

describe('a sheet whose submits are accepted, and answered with an error', () => {
	/** Where the list works (`none`), it doesn't tell which task is whose. */
	const buy = async (level: AccountLevel, listFault: ReadFault): Promise<BatchRig> => {
		const rig = createBatchRig({
			submitFaults: new Array<SubmitFault>(ROWS).fill('errorAfter'),
			listFaults: new Array<ReadFault>(ROWS * 9).fill(listFault),
		});
		const rows = Array.from({ length: 300 }, (_, row) => createRequest({ prompt: `row ${row}` }));
		const { tasksInFlight, submitsPerMinute } = ACCOUNT_LIMITS[level];
		await rig.attempt(rows, {
			account: new Account(level, () => 0.5, new Submissions(rig.time.now())),
			...{ tasksInFlight, submitsPerMinute },
		});
		return rig;
	};

	it.each(['none', 'unauthorized', 'tooMany', 'html'] as const)(
		'is not bought whole, whatever the list says (%s)',
		async (listFault) => {
			const bronze = await buy('bronze', listFault);
			expect(bronze.service.tasks.length).toBeLessThanOrEqual(11);
			expect(bronze.time.elapsed()).toBeLessThanOrEqual(10 * MINUTE);
			// So many may be under way when the first answer comes.
			expect((await buy('ultra', listFault)).service.tasks.length).toBeLessThanOrEqual(100);
		},
	);

	it('goes on where only some answers get lost', async () => {
		const rig = createBatchRig({ submitFaults: new Array<SubmitFault>(40).fill('errorAfter') });
		const rows = Array.from({ length: 300 }, (_, row) => createRequest({ prompt: `row ${row}` }));
		const { tasksInFlight, submitsPerMinute } = ACCOUNT_LIMITS.ultra;
		const outcomes = await rig.attempt(rows, { tasksInFlight, submitsPerMinute });
		expect(outcomes.filter(({ ok }) => ok).length).toBe(260);
	});
});
