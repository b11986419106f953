import { EventEmitter } from 'node:events';

import type { IDataObject, IWebhookFunctions } from 'n8n-workflow';

import { systemTime } from '../../nodes/shared/n8n/session/clock';
import { encodeState } from '../../nodes/shared/n8n/waiting/state';
import { receiveAtWaiting } from '../../nodes/shared/n8n/waiting/wakeByCallback';

const START = 1_700_000_000_000;

/** The state of a child that waits for one task, as n8n has stored it. */
function storeChild(taskId: string): IDataObject {
	const times = { since: START, deadline: START + 3_600_000, nextCheckAt: START + 5_000 };
	const wait = { taskId, status: 'created', minGapMs: 5_000, ...times };
	const settings = {
		...{ simplify: true, includeInputFields: false, failedTasks: 'error' as const },
		downloadTo: undefined,
	};
	return encodeState({
		...{ node: { name: 'Talk', onError: undefined }, rowCount: 1, limitAt: START + 4_200_000 },
		rows: [{ row: 0, asked: {}, inputFields: {}, settings, wait }],
		...{ open: new Map([[0, wait]]), ends: new Map() },
	});
}

/** Whether a call about the task wakes the child; n8n then answers with the status. */
async function callChild(json: IDataObject, taskId: string, status = 200): Promise<boolean> {
	const response = Object.assign(new EventEmitter(), {
		...{ statusCode: 200, writableEnded: false, destroyed: false },
		status: () => response,
		json: () => response,
	});
	const received = await receiveAtWaiting({
		getNodeParameter: () => 'pause',
		evaluateExpression: () => json,
		getBodyData: () => ({ taskIds: [taskId] }),
		getResponseObject: () => response,
	} as unknown as IWebhookFunctions);
	Object.assign(response, { statusCode: status, writableEnded: true });
	response.emit('finish');
	await new Promise((resolve) => setImmediate(resolve));
	return received.workflowData !== undefined;
}

describe('a task that was called back', () => {
	let passed = 0;

	beforeEach(() => {
		passed += 1_000_000;
		// One is rounded and the other is cut off, and neither begins with a whole millisecond.
		jest.spyOn(systemTime, 'now').mockImplementation(() => Math.round(START + passed));
		jest.spyOn(systemTime, 'wallTime').mockImplementation(() => Math.floor(START + passed + 0.3));
	});

	it('wakes its child once a minute, however often it is told', async () => {
		const json = storeChild('once');
		const wakes: boolean[] = [];
		for (let call = 0; call < 500; call += 1) {
			wakes.push(await callChild(json, 'once'));
			passed += 4.7;
		}
		expect(wakes.filter(Boolean)).toHaveLength(1);
		passed += 60_000;
		expect(await callChild(json, 'once')).toBe(true);
	});

	it('wakes it again at once if n8n could not go on with it', async () => {
		const json = storeChild('refused');
		expect(await callChild(json, 'refused', 500)).toBe(true);
		expect(await callChild(json, 'refused')).toBe(true);
		expect(await callChild(json, 'refused')).toBe(false);
	});
});
