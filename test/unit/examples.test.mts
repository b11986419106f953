import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

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
