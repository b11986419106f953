import type { INode } from 'n8n-workflow';

import {
	type Credential,
	initEngine,
	runNode,
	type RunOptions,
	type RunResult,
	systemTime,
} from '../../engine/harness/engine.mts';
import { START } from '../../engine/harness/rig.mts';
import { createVirtualClock, type VirtualClock } from '../../engine/harness/virtualClock.mts';
import { type HostileServer, startHostileServer } from './hostileServer.mts';

/** The built node in n8n's engine, before a server that answers whatever it likes. */
export interface HostileRig {
	server: HostileServer;
	clock: VirtualClock;
	credential: Credential;
	run(options: Pick<RunOptions, 'items' | 'parameters'> & Partial<RunOptions>): Promise<RunResult>;
	close(): Promise<void>;
}

export const KEY = 'wsk-do/not"show-4711';

export async function startHostileRig(): Promise<HostileRig> {
	await initEngine();
	const clock = createVirtualClock(START);
	systemTime.now = clock.now;
	systemTime.wallTime = clock.now;
	systemTime.sleep = clock.sleep;
	const server = await startHostileServer();
	const credential = { apiKey: KEY, baseUrl: server.url, accountLevel: 'ultra' };
	return {
		server,
		clock,
		credential,
		run: async (given) => await clock.runUntil(runNode({ credential, ...given }), server),
		close: async () => await server.close(),
	};
}

export const GOES_ON: Partial<INode> = { onError: 'continueRegularOutput' };

/** Errors that nobody hears end n8n. */
export function watchUnheard(): { unheard: unknown[]; stop(): void } {
	const unheard: unknown[] = [];
	const note = (error: unknown): void => void unheard.push(error);
	process.on('unhandledRejection', note);
	process.on('uncaughtException', note);
	return {
		unheard,
		stop() {
			process.off('unhandledRejection', note);
			process.off('uncaughtException', note);
		},
	};
}
