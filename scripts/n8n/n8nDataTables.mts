import { unwrap, type N8nSession } from './n8nRest.mts';
import { listAt, textAt, type JsonRecord } from './shape.mts';
import { isRecord } from '../../nodes/shared/json';

/** n8n's data tables, as its editor makes and fills them. Every column is text, as after an import of a CSV file. */

/** The address of the table with this name among the user's own, or undefined. */
async function findTable(session: N8nSession, name: string): Promise<string | undefined> {
	const tables = await tablesPath(session);
	const filter = JSON.stringify({ name: name.toLowerCase() });
	const found = unwrap(
		await session.http.get(tables, { params: { filter } }),
		'listing the data tables',
	);
	const own = listAt(found, 'data').find((table) => textAt(table, 'name') === name);
	const id = textAt(own, 'id');
	return id === undefined ? undefined : `${tables}/${id}`;
}

async function tablesPath({ http }: N8nSession): Promise<string> {
	const project = unwrap(await http.get('/rest/projects/personal'), 'reading the project');
	return `/rest/projects/${textAt(project, 'id')}/data-tables`;
}

/** Creates the table, or leaves the one of this name as it is. Returns whether it is new. */
export async function ensureTable(
	session: N8nSession,
	name: string,
	columns: readonly string[],
): Promise<boolean> {
	if ((await findTable(session, name)) !== undefined) return false;
	const body = { name, columns: columns.map((column) => ({ name: column, type: 'string' })) };
	const created = await session.http.post(await tablesPath(session), body);
	unwrap(created, `creating the data table "${name}"`);
	return true;
}

async function openTable(session: N8nSession, name: string): Promise<string> {
	const table = await findTable(session, name);
	if (table === undefined) throw new Error(`n8n has no data table "${name}".`);
	return table;
}

export async function addTableRows(
	session: N8nSession,
	name: string,
	data: JsonRecord[],
): Promise<void> {
	const table = await openTable(session, name);
	const body = { data, returnType: 'count' };
	unwrap(await session.http.post(`${table}/insert`, body), `adding rows to "${name}"`);
}

/** All rows, the oldest first. */
export async function readTableRows(session: N8nSession, name: string): Promise<JsonRecord[]> {
	const table = await openTable(session, name);
	const params = { take: 250, sortBy: 'id:asc' };
	const found = unwrap(await session.http.get(`${table}/rows`, { params }), `reading "${name}"`);
	return listAt(found, 'data').filter(isRecord);
}

/** Changes all rows that have these values. */
export async function changeTableRows(
	session: N8nSession,
	name: string,
	having: Record<string, string>,
	data: JsonRecord,
): Promise<void> {
	const table = await openTable(session, name);
	const filters = Object.entries(having).map(([columnName, value]) => ({
		...{ columnName, condition: 'eq', value },
	}));
	const body = { filter: { type: 'and', filters }, data };
	unwrap(await session.http.patch(`${table}/rows`, body), `changing rows of "${name}"`);
}

/** Deletes all rows whose text in this column fits the pattern, in which % stands for anything. */
export async function deleteTableRows(
	session: N8nSession,
	name: string,
	columnName: string,
	pattern: string,
): Promise<void> {
	const table = await openTable(session, name);
	const filters = [{ columnName, condition: 'like', value: pattern }];
	const params = { filter: JSON.stringify({ type: 'and', filters }) };
	unwrap(await session.http.delete(`${table}/rows`, { params }), `deleting rows of "${name}"`);
}
