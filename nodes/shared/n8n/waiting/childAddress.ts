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
	known.add(toKey(ctx), { url, callbacks }, Infinity);
}

/** Of the execution that the service has called; undefined if nothing is waited for. */
export function readChildAddress(ctx: IWebhookFunctions): ChildAddress | undefined {
	const key = toKey(ctx);
	const now = systemTime.now();
	const found = known.find(key, now);
	if (found) return found;
	const read = readStored(ctx);
	if (read) known.add(key, read, now + READ_MS);
	return read;
}

/** Nobody hears at this address now: the next callback reads anew where the child is. */
export function forgetChild(url: string): void {
	for (const [key, { address }] of known.addresses) {
		if (address.url === url) known.addresses.delete(key);
	}
}

/** n8n's types promise an ID to every context; without one, another execution's child must not be taken. */
function toKey(ctx: IExecuteFunctions | IWebhookFunctions): string | undefined {
	const id: string | undefined = ctx.getExecutionId();
	return id === undefined ? undefined : `${id} ${ctx.getNode().name}`;
}

/** As long as a burst: in queue mode another process parks the next round of a loop. */
const READ_MS = 2_000;
const MOST_KNOWN = 500;

/**
 * Of the runs that this process has parked, and what it has read just now. For an expression n8n makes an engine of some
 * 8 MB, which it holds until the request is answered, and the callbacks of a run come in bursts: most are answered without.
 */
const known = {
	addresses: new Map<string, { address: ChildAddress; until: number }>(),

	find(key: string | undefined, now: number): ChildAddress | undefined {
		const found = this.addresses.get(key ?? '');
		return found && now < found.until ? found.address : undefined;
	},

	/** The oldest makes room. */
	add(key: string | undefined, address: ChildAddress, until: number): void {
		if (key === undefined) return;
		this.addresses.delete(key);
		this.addresses.set(key, { address, until });
		for (const oldest of this.addresses.keys()) {
			if (this.addresses.size <= MOST_KNOWN) break;
			this.addresses.delete(oldest);
		}
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
