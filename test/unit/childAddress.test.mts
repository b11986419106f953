import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';

import { keepChildAddress, readChildAddress } from '../../nodes/shared/n8n/waiting/childAddress';
import { systemTime } from '../../nodes/shared/n8n/session/clock';

const REQUEST = '/webhook-waiting/1/wan22';

/** An execution as n8n has stored it, and how often an expression was evaluated to read from it. */
function createExecution(stored: { url: string; callbacks: number }) {
	const context: Record<string, unknown> = { wan22Child: JSON.stringify(stored) };
	let evaluations = 0;
	const read = (request = REQUEST, name = 'Talk') =>
		readChildAddress(
			{
				getNode: () => ({ name }),
				evaluateExpression() {
					evaluations += 1;
					return context.wan22Child;
				},
			} as unknown as IWebhookFunctions,
			request,
		);
	return { context, read, evaluations: () => evaluations };
}

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

	it('is read again when this process has parked the node once more', () => {
		const { context, read } = createExecution(child(2));
		read();
		keepChildAddress({ getContext: () => context } as unknown as IExecuteFunctions, child(3));
		expect(read()).toEqual(child(3));
	});

	it('is that of the execution and of the node that was called', () => {
		createExecution(child(2)).read();
		expect(createExecution(child(4)).read('/webhook-waiting/3/wan22')).toEqual(child(4));
		expect(createExecution(child(5)).read(REQUEST, 'Other')).toEqual(child(5));
	});

	it('is not remembered where there is none', () => {
		const { context, read } = createExecution(child(2));
		context.wan22Child = undefined;
		expect(read()).toBeUndefined();
		context.wan22Child = JSON.stringify(child(2));
		expect(read()).toEqual(child(2));
	});

	it('is remembered for some hundred executions, not for all that n8n has ever had', () => {
		const first = createExecution(child(1));
		first.read('/webhook-waiting/0/wan22');
		for (let id = 1; id <= 500; id += 1) {
			createExecution(child(id)).read(`/webhook-waiting/${id}/wan22`);
		}
		first.read('/webhook-waiting/0/wan22');
		expect(first.evaluations()).toBe(2);
	});
});
