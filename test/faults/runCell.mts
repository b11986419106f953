import { runCallbackCell } from './callbackCell.mts';
import { type Cell, type Setting, SETTINGS } from './cells.mts';
import { describeRowRun, type Outcome } from './outcome.mts';
import { brokenPromises } from './promises.mts';
import { type RowRun, withRowRun } from './rowCell.mts';
import type { CallbackScene, RowScene } from './scenes.mts';

export interface CellResult {
	outcome: Outcome;
	/** What is broken, by the setting of the node. */
	broken: Record<string, string[]>;
}

const RETRY_ON_FAIL = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };

/**
 * Runs a field of the matrix. What the node does on an error matters only where there is one, so a row that ended well
 * with the first setting is not run with the others.
 */
export async function runCell(cell: Cell): Promise<CellResult> {
	const { scene } = cell;
	if (scene.kind === 'rows') return await runRowCell({ ...cell, scene });
	const { outcome, broken } = await runCallbackCell({ ...cell, scene } as Cell & {
		scene: CallbackScene;
	});
	return { outcome, broken: broken.length > 0 ? { callback: broken } : {} };
}

async function runRowCell(cell: Cell & { scene: RowScene }): Promise<CellResult> {
	const broken: CellResult['broken'] = {};
	const look = (name: string) => (run: RowRun) => {
		const found = brokenPromises(run);
		if (found.length > 0) broken[name] = found;
		return describeRowRun(run);
	};
	const [first, ...others] = SETTINGS as [Setting, ...Setting[]];
	const outcome = await withRowRun(cell, first, {}, look(first));
	if (outcome.ending === 'result') return { outcome, broken };

	for (const setting of others) {
		const other = await withRowRun(cell, setting, {}, look(setting));
		if (!isSame(other, outcome)) (broken[setting] ??= []).push(`says: ${other.says}`);
	}
	if (cell.scene.retryOnFail) await withRowRun(cell, first, RETRY_ON_FAIL, look('Retry On Fail'));
	return { outcome, broken };
}

/** A retry of the execution is tried with the first setting only: the others end without an error. */
const isSame = (one: Outcome, other: Outcome): boolean =>
	JSON.stringify({ ...one, retry: '' }) === JSON.stringify({ ...other, retry: '' });
