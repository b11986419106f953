import type { IExecuteFunctions } from 'n8n-workflow';

import type { LedgerStore } from '../../batch/ledger';
import { isRecord } from '../../json';

/** Also the mark of this layout: a later version that stores something else takes another name. */
const LEDGER_KEY = 'wan22Tasks';

/** n8n keeps the node's context through Retry On Fail, and stores it with the execution for Retry. */
export function openLedgerStore(ctx: IExecuteFunctions): LedgerStore {
	const context = ctx.getContext('node');
	if (!isRecord(context[LEDGER_KEY])) context[LEDGER_KEY] = {};
	return context[LEDGER_KEY] as unknown as LedgerStore;
}

/** Which round of a loop this is: the same row in another round asks for another video. */
export function readRunIndex(ctx: IExecuteFunctions): number {
	const index: unknown = ctx.getWorkflowDataProxy(0).$runIndex;
	return typeof index === 'number' ? index : 0;
}
