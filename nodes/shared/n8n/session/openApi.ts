import type { ApiContext } from '../../wavespeed/http/request';
import type { Cancellation } from '../../async/cancellation';
import { createBackoffGate } from '../../async/backoffGate';
import type { NodeFunctions } from './callers';
import { createClock } from './clock';
import type { Connection } from './credential';
import { createSend } from '../http/transport';

/** The API, by way of n8n's helpers, with this machine's time. */
export function openApi(
	ctx: NodeFunctions,
	connection: Connection,
	cancellation: Cancellation,
): ApiContext {
	const clock = createClock(cancellation);
	const random = Math.random;
	return {
		clock,
		random,
		send: createSend(ctx, connection, cancellation),
		readGate: createBackoffGate(clock, random, cancellation),
	};
}
