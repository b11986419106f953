import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';

import { isRecord } from '../../json';
import { systemTime } from '../session/clock';

/** The child of a parked run, as its parent has noted it. */
export interface ChildAddress {
	url: string;
	/** How many of the run's tasks the service is asked to call back about; those of an earlier try may come besides. */
	callbacks: number;
}

const CHILD_KEY = 'wan22Child';

/** Where the parent's webhook finds its child: one small value, stored with the execution. */
export function keepChildAddress(ctx: IExecuteFunctions, { url, callbacks }: ChildAddress): void {
	ctx.getContext('node')[CHILD_KEY] = JSON.stringify({ url, callbacks });
	// In a loop the same node parks again in the same execution, with another child.
	recent.addresses.clear();
}

/** Of the execution that `request` is for, where the service called; undefined if nothing is waited for. */
export function readChildAddress(
	ctx: IWebhookFunctions,
	request: string,
): ChildAddress | undefined {
	const key = `${request} ${ctx.getNode().name}`;
	const now = systemTime.now();
	const known = recent.find(key, now);
	if (known) return known;
	const read = readStored(ctx);
	if (read) recent.add(key, read, now);
	return read;
}

const RECENT_MS = 2_000;
const MOST_RECENT = 500;

/**
 * What was read just now. For an expression n8n makes an engine of some 8 MB, which it holds until the
 * request is answered, and the callbacks of a run come in bursts: most are answered without. Only for as long as a
 * burst, since in queue mode another process parks the next round of a loop.
 */
const recent = {
	addresses: new Map<string, { readAt: number; address: ChildAddress }>(),

	find(key: string, now: number): ChildAddress | undefined {
		const found = this.addresses.get(key);
		return found && now - found.readAt < RECENT_MS ? found.address : undefined;
	},

	add(key: string, address: ChildAddress, now: number): void {
		for (const [old, { readAt }] of this.addresses) {
			// In the order of time.
			if (now - readAt < RECENT_MS && this.addresses.size < MOST_RECENT) break;
			this.addresses.delete(old);
		}
		this.addresses.delete(key);
		this.addresses.set(key, { readAt: now, address });
	},
};

/** An expression is the only way from a webhook to what the node has stored; that one value alone is read. */
function readStored(ctx: IWebhookFunctions): ChildAddress | undefined {
	// Braces in the node's name would end the expression.
	const name = JSON.stringify(ctx.getNode().name).replace(
		/[{}]/g,
		(brace) => `\\u00${brace.charCodeAt(0).toString(16)}`,
	);
	try {
		const stored = ctx.evaluateExpression(
			`{{ $node[${name}].context[${JSON.stringify(CHILD_KEY)}] }}`,
		);
		const child: unknown = typeof stored === 'string' ? JSON.parse(stored) : undefined;
		if (!isRecord(child) || typeof child.url !== 'string' || !URL.canParse(child.url)) {
			return undefined;
		}
		return { url: child.url, callbacks: Number(child.callbacks) };
	} catch {
		return undefined;
	}
}
