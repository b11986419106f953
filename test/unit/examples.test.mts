import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { TABLES } from '../../scripts/start/sampleTables.mts';
import { Wan22SpeechToVideo } from '../../nodes/Wan22SpeechToVideo/Wan22SpeechToVideo.node';
import { Wan22SpeechToVideoTrigger } from '../../nodes/Wan22SpeechToVideoTrigger/Wan22SpeechToVideoTrigger.node';
import { isRecord, listAt, textAt, valueAt } from '../../scripts/n8n/shape.mts';

/** What n8n 3.0 takes away (the check for 3.0 in n8n 2.40.7, and docs/compatibility.md) isn't in any example. */

const REMOVED = [
	...['cron', 'function', 'functionItem', 'htmlExtract', 'iCal', 'interval', 'itemLists', 'orbit'],
	...['moveBinaryData', 'openAi', 'readBinaryFile', 'readBinaryFiles', 'readPDF'],
	...['workflowTrigger', 'writeBinaryFile', 'documentBinaryInputLoader', 'documentGithubLoader'],
	...['documentJsonInputLoader', 'lmOpenAi', 'manualChatTrigger', 'memoryChatRetriever'],
	...['memoryMotorhead', 'memoryZep', 'openAiAssistant', 'toolHttpRequest', 'toolSerpApi'],
	...['vectorStoreInMemoryInsert', 'vectorStoreInMemoryLoad', 'vectorStorePineconeInsert'],
	...['vectorStorePineconeLoad', 'vectorStoreSupabaseInsert', 'vectorStoreSupabaseLoad'],
	...['vectorStoreZep', 'vectorStoreZepInsert', 'vectorStoreZepLoad'],
];
const FOLDER = join(process.cwd(), 'examples');
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

test.each(files)('%s needs nothing that n8n 3.0 takes away', (file) => {
	const text = readFileSync(join(FOLDER, file), 'utf8');
	const workflow: unknown = JSON.parse(text);
	const nodes = listAt(workflow, 'nodes').filter(isRecord);
	expect(nodes.length).toBeGreaterThan(2);
	for (const node of nodes) {
		const type = textAt(node, 'type') ?? '';
		expect(REMOVED).not.toContain(type.split('.').at(-1));
		if (type.endsWith('.executeWorkflow')) {
			expect(valueAt(node, 'parameters', 'mode')).not.toBe('each');
		}
		if (type.endsWith('.agent')) expect(node.typeVersion).toBeGreaterThanOrEqual(2);
	}
	expect(text).not.toContain('$getPairedItem');
	expect(valueAt(workflow, 'settings', 'callerPolicy')).not.toBe('any');
});

/** n8n finds a data table by a part of its name: *Talking videos* once meant *Talking videos CSV*, which was empty. */
test('no data table of the examples has the name of another one in its own', () => {
	const used = files.flatMap((file) => {
		const workflow: unknown = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
		return listAt(workflow, 'nodes')
			.map((node) => valueAt(node, 'parameters', 'dataTableId'))
			.filter((table) => table !== undefined)
			.map((table) => textAt(table, 'value') ?? '');
	});
	const names = [...new Set([...used, ...TABLES.map(({ name }) => name)])];
	expect(names).toHaveLength(TABLES.length);
	const pairs = names.flatMap((name) => names.map((other) => [name, other] as const));
	const within = pairs.filter(
		([name, other]) => name !== other && other.toLowerCase().includes(name.toLowerCase()),
	);
	expect(within).toEqual([]);
});
test.each(files)(
	'%s has our nodes in their newest version, whose webhooks cost n8n less',
	(file) => {
		const workflow: unknown = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
		const types = [new Wan22SpeechToVideo(), new Wan22SpeechToVideoTrigger()];
		for (const { description } of types) {
			const type = `n8n-nodes-wavespeed-speech-to-video.${description.name}`;
			const nodes = listAt(workflow, 'nodes')
				.filter(isRecord)
				.filter((node) => (textAt(node, 'type') ?? '').replace(/Tool$/, '') === type);
			expect(description.defaultVersion).toBeGreaterThan(1);
			for (const node of nodes) expect(node.typeVersion).toBe(description.defaultVersion);
		}
	},
);

/** What makes them safe to be started again is the order of a few nodes; the data table's is run by a test of crashes. */
describe.each(['table-batch', 'spreadsheet-batch', 'spreadsheet-batch-google-sheets'])(
	'%s can be started again at any time',
	(key) => {
		const read = (name: string): unknown =>
			JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8'));
		const workflow = read(key);
		const nodeOf = (from: unknown, name: string) =>
			listAt(from, 'nodes').find((node) => textAt(node, 'name') === name);
		const behind = (name: string, output = 0): (string | undefined)[] =>
			listAt(workflow, 'connections', name, 'main', output).map((link) => textAt(link, 'node'));

		it('notes the seed before the submit, and the task right after it', () => {
			const claimed = key.endsWith('sheets') ? 'Begin the row' : 'Nobody else has it';
			expect(behind('Its seed')).toEqual(['Begin the row']);
			expect(behind(claimed)).toEqual(['Submit']);
			expect(behind('Submit')).toEqual(['Note the task']);
			expect(behind('Submit', 1)).toEqual(['Note why not']);
			for (const note of ['Note the task', 'Note why not']) {
				expect(behind(note)).toEqual(['One by one']);
			}
			expect(textAt(nodeOf(workflow, 'Submit'), 'parameters', 'seed')).toMatch(/\.seed \}\}$/);
		});

		it('looks for begun rows first, then submits, then waits: n8n runs the highest branch first', () => {
			const heights = ['All rows', 'New rows', 'Rows under way'].map((name) =>
				Number(valueAt(nodeOf(workflow, name), 'position', 1)),
			);
			expect(heights).toEqual([...heights].sort((a, b) => a - b));
			const first = behind('Every night').filter((name) => !/file|results/i.test(name ?? ''));
			expect(first).toEqual(['All rows', 'New rows', 'Rows under way']);
		});

		it('pays in one node only, and waits without any means to pay', () => {
			const own = listAt(workflow, 'nodes').filter((node) =>
				textAt(node, 'type')?.startsWith('n8n-nodes-wavespeed-speech-to-video.'),
			);
			expect(own.map((node) => textAt(node, 'parameters', 'operation')).sort()).toEqual([
				...['getAll', 'submit', 'wait'],
			]);
		});

		it('is the same as its twin but for where the rows are', () => {
			const table = read('table-batch');
			for (const name of ['Give the list a minute', 'Tasks since then', 'Wait for the videos']) {
				expect(valueAt(nodeOf(workflow, name), 'parameters')).toEqual(
					valueAt(nodeOf(table, name), 'parameters'),
				);
			}
			const whose = (from: unknown) =>
				textAt(nodeOf(from, 'Which task is whose'), 'parameters', 'jsonOutput')
					?.replaceAll('row.row', 'row.id')
					.replace('{ row:', '{ id:');
			expect(whose(workflow)).toBe(whose(table));
		});
	},
);
