import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { addTableRows, deleteTableRows, ensureTable } from '../n8n/n8nDataTables.mts';
import type { N8nSession } from '../n8n/n8nRest.mts';
import type { SheetRow } from '../n8n/sampleFiles.mts';

/**
 * The data tables of the examples, and the files beside them that name their columns. No name is part of another: n8n's
 * Data table node looks for a name by `LIKE %name%` and takes the table that was changed last.
 */
export const TABLES = [
	{ name: 'Talking videos', file: 'table.csv', hasSampleRows: true },
	{ name: 'Videos of the CSV file', file: 'table-of-batch.csv', hasSampleRows: false },
];

/** Rows of an emulator that is gone: their files are too. Rows of the user's own are never touched. */
const OF_AN_EMULATOR = 'http://127.0.0.1:%';

/** Makes the tables that are missing, and fills them with rows whose files the emulator can fetch. */
export async function writeSampleTables(
	session: N8nSession,
	root: string,
	rows: SheetRow[],
): Promise<void> {
	for (const { name, file, hasSampleRows } of TABLES) {
		const text = await readFile(join(root, 'examples', file), 'utf8');
		const columns = (text.split('\n')[0] ?? '').trim().split(',');
		await ensureTable(session, name, columns);
		await deleteTableRows(session, name, 'image_url', OF_AN_EMULATOR);
		if (!hasSampleRows || rows.length === 0) continue;
		const own = rows.map((row) =>
			Object.fromEntries(Object.entries(row).filter(([column]) => columns.includes(column))),
		);
		await addTableRows(session, name, own);
	}
}
