import { startEmulator } from '../test/emulator/emulator.mts';
import { GENERATE } from '../test/engine/harness/rig.mts';
import type { Section } from './report.mts';
import { runEngine } from './runEngine.mts';

/** What thousands of rows with files of their own keep open and in memory: n8n's engine, and the node. */

const ROWS = 3_000;
const PICTURE_BYTES = 100_000;
const MEGABYTE = 1_000_000;
const PLENTY_USD = 100_000;

/** Of n8n: on disk, and in the items themselves. */
const MODES = ['filesystem', 'default'];

/** Of the node: docs/limits.md. */
const MOST_OPEN_FILES = 64;

export async function measureFiles(): Promise<Section> {
	const section: Section = {
		title: 'Files: thousands of rows with a picture of their own',
		method: `Submit on an Ultra account, ${ROWS} rows, each with another picture of ${PICTURE_BYTES / 1000} kB, in a process that holds n8n's engine and the node. "Incoming" is what the engine keeps of the items before the node begins; the growth is that of resident memory while the node runs. Files are those of n8n's storage, looked at every 5 ms.`,
		columns: ['files are kept', 'incoming', 'growth of the peak', 'files open', 'connections'],
		rows: [],
		bound:
			"In a process the files of 16 rows are read at a time, and of an account 4 files are uploaded at a time; a test holds all of them together below 64. On disk (its default) n8n's engine keeps some kilobytes of an item, whatever the size of its files. In the items themselves (`default`) it keeps each file as a text that is a third longer than the file, and there the node can do nothing about it.",
		checks: [],
	};
	for (const mode of MODES) {
		const emulator = await startEmulator({
			...{ video: 'placeholder', accountLevel: 'ultra', balance: PLENTY_USD, taskSeconds: 1 },
		});
		const credential = { apiKey: emulator.apiKey, baseUrl: emulator.url, accountLevel: 'ultra' };
		const parameters = { ...GENERATE, resource: 'task', operation: 'submit' };
		const job = { credential, parameters, rows: ROWS, pictureBytes: PICTURE_BYTES };
		const measured = await runEngine(job, mode);
		const paid = emulator.paidTasks();
		await emulator.close();
		if (paid !== ROWS || measured.items !== ROWS) throw new Error(`${ROWS} rows, ${paid} tasks`);
		section.rows.push([
			mode,
			`${(measured.incomingBytes / MEGABYTE).toFixed(0)} MB`,
			`${((measured.rssPeak - measured.rssBefore) / MEGABYTE).toFixed(0)} MB`,
			measured.openFiles,
			measured.openSockets,
		]);
		section.checks.push({
			what: `at most ${MOST_OPEN_FILES} files are open (${mode})`,
			isMet: measured.openFiles <= MOST_OPEN_FILES,
		});
	}
	return section;
}
