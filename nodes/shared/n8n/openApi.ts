import type { ApiContext } from '../wavespeed/apiRead';
import type { Halt } from '../wavespeed/halt';
import { createSharedPause } from '../wavespeed/sharedPause';
import type { NodeFunctions } from './caller';
import { createClock } from './clock';
import type { Connection } from './credential';
import { createSend } from './transport';

/** The API, by way of n8n's helpers, with this machine's time. */
export function openApi(ctx: NodeFunctions, connection: Connection, halt: Halt): ApiContext {
	const clock = createClock(halt);
	const random = Math.random;
	return {
		clock,
		random,
		send: createSend(ctx, connection, halt),
		readPause: createSharedPause(clock, random, halt),
	};
}
