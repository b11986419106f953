import { EventEmitter } from 'node:events';

import type { IWebhookFunctions } from 'n8n-workflow';

import { hasStarted } from '../../nodes/shared/n8n/callback/hasStarted';
import { systemTime } from '../../nodes/shared/n8n/session/clock';
import { createVirtualTime } from './support/virtualTime.mts';

/** What n8n answers with, as far as it is looked at. */
const createResponse = () =>
	Object.assign(new EventEmitter(), { statusCode: 200, writableEnded: false, destroyed: false });

type Response = ReturnType<typeof createResponse>;

const judge = async (response: Response): Promise<boolean> =>
	await hasStarted({ getResponseObject: () => response } as unknown as IWebhookFunctions);

afterEach(() => jest.restoreAllMocks());

describe('whether n8n has started a workflow', () => {
	test.each([
		[200, true],
		[400, false],
		[402, false],
		[409, false],
		[429, false],
		[500, false],
		[503, false],
	])('is told by its answer: %d', async (statusCode, isStarted) => {
		const response = createResponse();
		const judged = judge(response);
		Object.assign(response, { statusCode, writableEnded: true });
		response.emit('finish');
		expect(await judged).toBe(isStarted);
	});

	const hangUp = (answerAfterMs: number, statusCode: number) => {
		const time = createVirtualTime();
		jest.spyOn(systemTime, 'sleep').mockImplementation(time.clock.sleep);
		const response = createResponse();
		const judged = judge(response);
		response.destroyed = true;
		response.emit('close');
		void time
			.delay(answerAfterMs)
			.then(() => Object.assign(response, { statusCode, writableEnded: true }));
		return time.run(judged);
	};

	test.each([
		['started after a second', 1_000, 200, true],
		['failed after a second', 1_000, 500, false],
		['started after three minutes', 180_000, 200, true],
		['failed after three minutes', 180_000, 500, false],
		['said nothing for an hour', 3_600_000, 200, false],
	])(
		'is told also if the service has hung up: n8n has %s',
		async (_, afterMs, statusCode, isStarted) => {
			expect(await hangUp(afterMs, statusCode)).toBe(isStarted);
		},
	);
});
