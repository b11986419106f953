import type { IHookFunctions } from 'n8n-workflow';

import { readConnection } from '../shared/n8n/session/credential';
import { SECRET_COMES_LATER } from '../shared/n8n/errors/messages/run';
import { toActivationError } from '../shared/n8n/errors/nodeErrors';
import { openApi } from '../shared/n8n/session/openApi';
import { preparationBudget } from '../shared/wavespeed/http/request';
import { failureOf } from '../shared/wavespeed/failures';
import { Cancellation } from '../shared/async/cancellation';
import { readTriggerSettings } from './receiveCallback';
import { settle } from '../shared/async/settle';

/** Nothing is registered at the service, as each submit names its URL; but without the secret no callback is believed. */
export async function activate(ctx: IHookFunctions): Promise<boolean> {
	const fetched = await settle(fetchSecret(ctx));
	if (fetched.ok) return true;
	if (isOnItsOwn(ctx) && isTransient(fetched.error)) {
		ctx.logger.warn(`${ctx.getNode().name}: ${SECRET_COMES_LATER}`);
		return true;
	}
	throw toActivationError(ctx.getNode(), fetched.error);
}

async function fetchSecret(ctx: IHookFunctions): Promise<void> {
	// So that a wrong parameter is seen by the one who activates, and not by the first callback.
	readTriggerSettings(ctx);
	const api = openApi(ctx, await readConnection(ctx), new Cancellation());
	// Whoever switches it on a second time wants to know how it is now.
	const retryBudget = { ...preparationBudget(api.clock), failsFast: false };
	await api.account.signingSecret.refresh(api, retryBudget);
}

/** n8n starts: a trigger that fails here loses its URL for a while, and with it the callbacks that come meanwhile. */
const isOnItsOwn = (ctx: IHookFunctions): boolean =>
	['init', 'leadershipChange'].includes(ctx.getActivationMode());

function isTransient(error: unknown): boolean {
	const kind = failureOf(error)?.kind;
	return kind === 'unavailable' || kind === 'rateLimited';
}

/** The secret is not kept for a trigger that is off; another one of the same account asks for it again. */
export async function deactivate(ctx: IHookFunctions): Promise<boolean> {
	const connection = await settle(readConnection(ctx));
	if (connection.ok)
		openApi(ctx, connection.value, new Cancellation()).account.signingSecret.forget();
	return true;
}
