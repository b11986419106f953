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

/** The names that calls of a tool have in this process, by the execution that they belong to. */
const NAMES_OF_CALLS = new WeakMap<LedgerStore, Set<string>>();

/**
 * As a tool: n8n counts the run index up with each try, but gives the same one to calls for several items of an agent.
 * Each call gets a name of its own, else the second of two that ask for the same would be handed the first one's video.
 */
export function nameCall(ctx: IExecuteFunctions, store: LedgerStore): string {
	const names = NAMES_OF_CALLS.get(store) ?? new Set();
	NAMES_OF_CALLS.set(store, names);
	const isTaken = (name: string): boolean =>
		names.has(name) || Object.keys(store).some((key) => key.startsWith(`${name}:`));
	const index = String(readRunIndex(ctx));
	let name = index;
	for (let count = 1; isTaken(name); count += 1) name = `${index}.${count}`;
	names.add(name);
	return name;
}
