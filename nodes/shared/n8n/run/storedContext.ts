import { createHash, randomUUID } from 'node:crypto';

import type { IExecuteFunctions } from 'n8n-workflow';

import { settle } from '../../async/settle';
import type { LedgerStore } from '../../batch/ledger';
import { LiveLedgers } from '../../batch/liveLedgers';
import { isRecord } from '../../json';
import { toDataObject } from '../dataObject';
import { systemTime } from '../session/clock';
import { isTool } from '../waiting/conditions';

/** Also the mark of this layout: a later version that stores something else takes another name. */
const LEDGER_KEY = 'wan22Tasks';

/** Which execution it is a copy of, where it was retried: that one's ID, and a name that no other execution has. */
const ORIGIN_KEY = 'wan22Origin';

/** In the memory of this process. */
export const liveLedgers = new LiveLedgers();

/** n8n keeps the node's context through Retry On Fail, and stores it with the execution for Retry. */
export function openLedgerStore(ctx: IExecuteFunctions): LedgerStore {
	const context = ctx.getContext('node');
	if (!isRecord(context[LEDGER_KEY])) context[LEDGER_KEY] = {};
	return context[LEDGER_KEY] as unknown as LedgerStore;
}

/**
 * Does the work while the node's ledger is that of all executions that are copies of the same one: Retry can be pressed
 * twice. Not as a tool: which calls of two agents are meant to be the same can't be told.
 */
export async function withLiveLedger<T>(
	ctx: IExecuteFunctions,
	work: () => Promise<T>,
): Promise<T> {
	if (isTool(ctx)) return await work();
	const context = ctx.getContext('node');
	const own = `${ctx.getExecutionId()} `;
	const noted = context[ORIGIN_KEY];
	const origin = typeof noted === 'string' ? noted : nameOrigin(ctx, own);
	// The next round of a loop, or Retry On Fail, finds the name of its own execution.
	const isRetry = !origin.startsWith(own);
	context[ORIGIN_KEY] = origin;
	context[LEDGER_KEY] = toDataObject(liveLedgers.open(origin, openLedgerStore(ctx)));
	const worked = await settle(work());
	liveLedgers.close(origin, isRetry || !worked.ok, systemTime.now());
	if (worked.ok) return worked.value;
	throw worked.error;
}

/**
 * An execution that failed before it came to this node has no name for it yet. What its retries have in common, and no
 * other execution has, is when it began, which newer n8n say, and what it began with: several may begin in one millisecond.
 */
function nameOrigin(ctx: IExecuteFunctions, own: string): string {
	const { getExecutionContext }: Partial<IExecuteFunctions> = ctx;
	const { establishedAt, triggerNode } = getExecutionContext?.call(ctx) ?? {};
	const begunWith = triggerNode && readOutput(ctx, triggerNode.name);
	if (ctx.getMode() !== 'retry' || establishedAt === undefined || begunWith === undefined) {
		return `${own}${randomUUID()}`;
	}
	const text = JSON.stringify([ctx.getWorkflow().id, ctx.getNode().id, establishedAt, begunWith]);
	return `of ${createHash('sha256').update(text).digest('hex')}`;
}

/** Undefined if the node gave nothing, or it can't be told. */
function readOutput(ctx: IExecuteFunctions, node: string): unknown {
	try {
		const outputOf = ctx.getWorkflowDataProxy(0).$ as (node: string) => { all(): unknown };
		return outputOf(node).all();
	} catch {
		return undefined;
	}
}

/** The same row in another round of a loop, or in another call of a tool, asks for another video. */
export const nameRun = (ctx: IExecuteFunctions, store: LedgerStore): number | string =>
	isTool(ctx) ? nameCall(ctx, store) : readRunIndex(ctx);

/** Which round of a loop this is. */
function readRunIndex(ctx: IExecuteFunctions): number {
	const index: unknown = ctx.getWorkflowDataProxy(0).$runIndex;
	return typeof index === 'number' ? index : 0;
}

/** The names that calls of a tool have in this process, by the execution that they belong to. */
const NAMES_OF_CALLS = new WeakMap<LedgerStore, Set<string>>();

/**
 * As a tool: n8n counts the run index up with each try, but gives the same one to calls for several items of an agent.
 * Each call gets a name of its own, else the second of two that ask for the same would be handed the first one's video.
 */
function nameCall(ctx: IExecuteFunctions, store: LedgerStore): string {
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
