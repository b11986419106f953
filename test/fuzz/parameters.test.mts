import fc from 'fast-check';
import type { IDataObject, INodeProperties, INodePropertyOptions } from 'n8n-workflow';

import { NODE_TYPE, types } from '../engine/harness/engine.mts';
import { everythingReadable, makeRow, type Rig, startRig } from '../engine/harness/rig.mts';
import { watchUnheard } from './support/hostileRig.mts';
import { checkKeyHidden, checkRun } from './support/invariants.mts';
import { howOften } from './support/runs.mts';

/** An expression in a field can give anything: that is an error of its row, in words, and nothing more. */

let rig: Rig;
let watched: ReturnType<typeof watchUnheard>;
let binary: Awaited<ReturnType<typeof makeRow>>['binary'];
beforeAll(async () => {
	watched = watchUnheard();
	rig = await startRig({ taskSeconds: 1, apiKey: 'key-of-the-account' });
	binary = (await makeRow()).binary;
});
afterAll(async () => {
	await rig.close();
	watched.stop();
});

const { properties } = types[NODE_TYPE]!.description;
/** Each operation with its resource, as the node's lists have them. */
const resourceOf = new Map(
	properties
		.filter(({ name }) => name === 'operation')
		.flatMap(({ options, displayOptions }) =>
			(options as INodePropertyOptions[]).map(
				({ value }) => [value, displayOptions?.show?.resource?.[0]] as const,
			),
		),
);
const operations = [...resourceOf.keys()];

const isShown = ({ displayOptions }: INodeProperties, operation: unknown): boolean => {
	const shown = displayOptions?.show?.operation ?? displayOptions?.show?.['/operation'];
	const isHidden = displayOptions?.hide?.operation?.includes(operation as string) ?? false;
	return !isHidden && (shown === undefined || shown.includes(operation as string));
};

/** Every field of every operation, as the node itself describes them; those of collections with their path. */
const fields = operations.flatMap((operation) =>
	properties
		.filter((property) => isShown(property, operation))
		.flatMap(({ name, type, options }) => [
			{ operation, path: [name] },
			...(type === 'collection'
				? (options as INodeProperties[])
						.filter((option) => isShown(option, operation))
						.map((option) => ({ operation, path: [name, option.name] }))
				: []),
		]),
);

/** As they stand in the field: expressions, and what a workflow written by hand can hold. */
const VALUES: unknown[] = [
	null,
	true,
	0,
	'',
	'   ',
	[],
	{},
	...[
		'null',
		'undefined',
		'[]',
		'[1, [2]]',
		'({})',
		'({ toString: 1, valueOf: 1 })',
		'({ data: 1, mimeType: 2, fileName: 3, id: 4 })',
		'({ data: "", mimeType: "image/png", id: "nowhere" })',
		'NaN',
		'Infinity',
		'-Infinity',
		'-0',
		'-1',
		'0.5',
		'1e308',
		'2 ** 53 + 2',
		'true',
		'false',
		'"true"',
		'" 7 "',
		'"x".repeat(100000)',
		'"a\\u0000b"',
		'"\\ud800"',
		'".."',
		'"/../../secret?x#y"',
		'"__proto__"',
		'"constructor"',
		'"toString"',
		'"file:///etc/passwd"',
		'"https://user:password@host/x"',
		'new Date(0)',
		'new Date(NaN)',
		'$now',
		'$json',
		'$json.missing.deeper',
		'$binary',
		'() => 1',
		'1n',
		'this is no expression',
		'$("Nowhere").item',
	].map((expression) => `={{ ${expression} }}`),
];

const usual: IDataObject = { options: { timeoutMinutes: 2 } };

function withField(operation: unknown, [name = '', inner]: string[], value: unknown): IDataObject {
	const options = usual.options as IDataObject;
	const urls = { imageUrl: 'https://a.example/b.png', audioUrl: 'https://a.example/b.mp3' };
	const media = name.endsWith('Url') ? { imageSource: 'url', audioSource: 'url', ...urls } : urls;
	const resource = resourceOf.get(operation as string);
	const base = { resource, operation, taskId: 'task', ...usual, ...media } as IDataObject;
	if (inner === undefined) return { ...base, [name]: value } as IDataObject;
	const own = name === 'options' ? options : {};
	const more = inner === 'outputBinaryPropertyName' ? { downloadVideo: true } : {};
	return { ...base, [name]: { ...own, ...more, [inner]: value } as IDataObject };
}

const caseArbitrary = fc.record({
	field: fc.constantFrom(...fields),
	value: fc.constantFrom(...VALUES),
	rows: fc.integer({ min: 1, max: 2 }),
	onError: fc.constantFrom('stopWorkflow', 'continueRegularOutput', 'continueErrorOutput'),
});
type Case = typeof caseArbitrary extends fc.Arbitrary<infer T> ? T : never;

async function play({ field, value, rows, onError }: Case): Promise<void> {
	watched.unheard.length = 0;
	const paidBefore = rig.emulator.paidTasks();
	const running = rig.run({
		items: Array.from({ length: rows }, () => ({ json: { name: 'Cleo' }, binary })),
		parameters: withField(field.operation, field.path, value),
		settings: { onError: onError as 'stopWorkflow' },
	});
	const result = await running.catch(ignoreOwnCheck);
	if (!result) return;
	checkRun(result, rig.credential.apiKey);
	checkKeyHidden(everythingReadable(result), rig.credential.apiKey);
	expect(watched.unheard).toEqual([]);
	expect(rig.emulator.paidTasks() - paidBefore).toBeLessThanOrEqual(rows);
}

/** n8n refuses some values of its own accord, before the node sees them. */
function ignoreOwnCheck(error: Error): undefined {
	if (error.name !== 'WorkflowHasIssuesError') throw error;
}

const { runs, timeoutMs } = howOften(40);

test('the fields of all operations are known to the test', () => {
	expect(fields.length).toBeGreaterThan(50);
	expect(fields).toContainEqual({ operation: 'generate', path: ['options', 'maxCostPerRun'] });
});

test(
	'whatever stands in a field, its row ends with a result or an error in words',
	async () => {
		await fc.assert(fc.asyncProperty(caseArbitrary, play), runs);
	},
	timeoutMs,
);
