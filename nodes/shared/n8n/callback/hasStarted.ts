import type { IWebhookFunctions } from 'n8n-workflow';

import { systemTime } from '../session/clock';

/** n8n starts a workflow within a second or so; where the machine, or its database, is busy, later. */
const LOOKS_MS = [
	...[100, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000],
	...Array<number>(90).fill(10_000),
];

/**
 * Whether n8n could start what the items of a webhook ask for, or go on with it: if not, it answers with an error, of its own
 * (5xx) or of what has refused the start (4xx). It makes that answer also for a client that has hung up meanwhile, but then nothing tells when. Versions before 2.30 answer before
 * they start anything: there it is always true.
 */
export async function hasStarted(ctx: IWebhookFunctions): Promise<boolean> {
	const response = ctx.getResponseObject();
	await new Promise<void>((resolve) => {
		for (const event of ['finish', 'close']) response.once(event, () => resolve());
		if (response.destroyed) resolve();
	});
	for (const ms of LOOKS_MS) {
		if (response.writableEnded) break;
		await systemTime.sleep(ms);
	}
	return response.writableEnded && response.statusCode < 300;
}
