import { Accounts } from '../../account/accounts';
import type { Account } from '../../account/account';
import type { Cancellation } from '../../async/cancellation';
import type { ApiContext } from '../../wavespeed/http/request';
import { sendInTurn } from '../../wavespeed/http/requestSlots';
import { createSend } from '../http/transport';
import type { NodeFunctions } from './callers';
import { createClock, systemTime } from './clock';
import type { Connection } from './credential';

/** In the memory of this process, for all workflows that use the same key. */
export const accounts = new Accounts();

/** The API as one run reaches it, and what it shares with all other runs of the account. */
export interface AccountApi extends ApiContext {
	account: Account;
}

/** The API, by way of n8n's helpers, with this machine's time. */
export function openApi(
	ctx: NodeFunctions,
	connection: Connection,
	cancellation: Cancellation,
): AccountApi {
	const { accountId, accountLevel } = connection;
	const random = Math.random;
	const key = { id: accountId, level: accountLevel };
	const account = accounts.open(key, systemTime.now(), random);
	const { readGate, serviceClock, outages, taskReads, requests } = account;
	const clock = createClock(cancellation);
	return {
		account,
		clock,
		cancellation,
		random,
		send: sendInTurn(createSend(ctx, connection, cancellation), requests, { clock, cancellation }),
		...{ readGate, serviceClock, outages, taskReads },
	};
}
