import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';

import {
	forgetChild,
	keepChildAddress,
	readChildAddress,
} from '../../nodes/shared/n8n/waiting/childAddress';
import { systemTime } from '../../nodes/shared/n8n/session/clock';

/** An execution as n8n has stored it, and how often an expression was evaluated to read from it. */
function createExecution(stored: { url: string; callbacks: number }) {
	const context: Record<string, unknown> = { wan22Child: JSON.stringify(stored) };
	let evaluations = 0;
	const read = (id: string | undefined = '1', name = 'Talk') =>
		readChildAddress({
			getNode: () => ({ name }),
			getExecutionId: () => id,
			evaluateExpression() {
				evaluations += 1;
				return context.wan22Child;
			},
		} as unknown as IWebhookFunctions);
	return { context, read, evaluations: () => evaluations };
}

/** In this process. */
const park = (id: string, address: { url: string; callbacks: number }, context: object = {}) =>
	keepChildAddress(
		{
			getNode: () => ({ name: 'Talk' }),
			getExecutionId: () => id,
			getContext: () => context,
		} as unknown as IExecuteFunctions,
		address,
	);

const child = (id: number) => ({
	url: `http://127.0.0.1:5678/webhook-waiting/${id}/wan22`,
	callbacks: 20,
});

describe('the address of a parked run’s child', () => {
	let now = 0;

	beforeEach(() => {
		// What an earlier test has read is forgotten by then.
		now += 1_000_000;
		jest.spyOn(systemTime, 'now').mockImplementation(() => now);
	});

	it('is read once for a burst of callbacks, since n8n makes an engine for each expression', () => {
		const { read, evaluations } = createExecution(child(2));
		expect(Array.from({ length: 20 }, () => read())).toEqual(Array(20).fill(child(2)));
		expect(evaluations()).toBe(1);
	});

	it('is read again after some seconds: in queue mode another process parks the next round of a loop', () => {
		const { context, read } = createExecution(child(2));
		read();
		context.wan22Child = JSON.stringify(child(3));
		now += 2_000;
		expect(read()).toEqual(child(3));
	});

	it('is not read at all where this process has parked the run, and is that of the last time', () => {
		const { context, read, evaluations } = createExecution(child(2));
		park('10', child(2), context);
		now += 600_000;
		expect(read('10')).toEqual(child(2));
		park('10', child(3), context);
		expect(read('10')).toEqual(child(3));
		expect(evaluations()).toBe(0);
		expect(JSON.parse(String(context.wan22Child))).toEqual(child(3));
	});

	it('is read anew when nobody has heard there, as another process may have parked the next round of a loop', () => {
		const { context, read } = createExecution(child(2));
		park('11', child(2), context);
		context.wan22Child = JSON.stringify(child(3));
		forgetChild(child(9).url);
		expect(read('11')).toEqual(child(2));
		forgetChild(child(2).url);
		expect(read('11')).toEqual(child(3));
	});

	it('is that of the execution and of the node that was called', () => {
		park('20', child(2));
		expect(createExecution(child(4)).read('21')).toEqual(child(4));
		expect(createExecution(child(5)).read('20', 'Other')).toEqual(child(5));
	});

	it('is not remembered where there is none, or n8n does not say of which execution', () => {
		const { context, read } = createExecution(child(2));
		context.wan22Child = undefined;
		expect(read('30')).toBeUndefined();
		context.wan22Child = JSON.stringify(child(2));
		expect(read('30')).toEqual(child(2));
		const nameless = (id: number) =>
			readChildAddress({
				getNode: () => ({ name: 'Talk' }),
				getExecutionId: () => undefined,
				evaluateExpression: () => JSON.stringify(child(id)),
			} as unknown as IWebhookFunctions);
		expect([nameless(4), nameless(5)]).toEqual([child(4), child(5)]);
	});

	it('is remembered for some hundred executions, not for all that n8n has ever had', () => {
		const { read, evaluations } = createExecution(child(1));
		park('first', child(1));
		for (let id = 1; id <= 500; id += 1) park(`then ${id}`, child(id));
		read('first');
		expect(evaluations()).toBe(1);
	});
});
