import diagnostics from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

import type { RecordedRequest } from '../../emulator/types.mts';

/** A server in this process that tells what it is doing. */
export interface Observed {
	url: string;
	mediaUrl: string;
	/** The requests so far; without a status while they are being answered. */
	requests(): Pick<RecordedRequest, 'status'>[];
}

interface Sleeper {
	at: number;
	resolve: () => void;
}

/**
 * Time that stands still while requests are under way and jumps to the next sleeper when nothing moves any more, so
 * that an hour of waiting takes milliseconds and nothing depends on the speed of the machine.
 */
export interface VirtualClock {
	now(): number;
	sleep(ms: number, signal?: AbortSignal): Promise<void>;
	/** Lets time pass until `work` has ended. */
	runUntil<T>(work: Promise<T>, server: Observed): Promise<T>;
}

/** So many looks, each after a turn of the event loop and the last one after a millisecond, without any movement count as rest. */
const QUIET_LOOKS = 8;

const MOST_TURNS = 100;

/**
 * A request that was cut off on its way, as by a failure in stop mode, never arrives: after so long, in real ms, nobody
 * waits for it.
 */
const LOST_AFTER_MS = 150;

const turnOfEventLoop = async (): Promise<void> =>
	await new Promise((resolve) => setImmediate(resolve));

const millisecond = async (): Promise<void> =>
	await new Promise((resolve) => setTimeout(resolve, 1));

export function createVirtualClock(startMs: number): VirtualClock {
	let time = startMs;
	const sleepers = new Set<Sleeper>();

	const jump = (): void => {
		let next: Sleeper | undefined;
		for (const sleeper of sleepers) if (!next || sleeper.at < next.at) next = sleeper;
		if (!next) return;
		time = Math.max(time, next.at);
		for (const sleeper of [...sleepers]) {
			if (sleeper.at > time) continue;
			sleepers.delete(sleeper);
			sleeper.resolve();
		}
	};

	return {
		now: () => time,
		sleep: async (ms, signal) =>
			await new Promise((resolve) => {
				if (signal?.aborted) return resolve();
				const sleeper = { at: time + Math.max(0, ms), resolve };
				sleepers.add(sleeper);
				const end = (): void => {
					sleepers.delete(sleeper);
					resolve();
				};
				signal?.addEventListener('abort', end, { once: true });
			}),
		async runUntil(work, server) {
			let isDone = false;
			const finish = (): void => {
				isDone = true;
			};
			work.then(finish, finish);
			const traffic = watchTraffic(server);
			let quiet = 0;
			let turns = 0;
			let hasMoved = true;
			let changedAt = performance.now();
			let seen = '';
			while (!isDone) {
				// What takes so many turns is done elsewhere, which this one must not slow down.
				const isSlow = turns > MOST_TURNS || (hasMoved && quiet === QUIET_LOOKS - 1);
				await (isSlow ? millisecond() : turnOfEventLoop());
				turns += 1;
				const { state, isBusy: isServerBusy } = traffic.look();
				if (state !== seen) {
					changedAt = performance.now();
					turns = 0;
				}
				if (performance.now() - changedAt >= LOST_AFTER_MS) traffic.giveUpComing();
				const isBusy = isServerBusy || isSystemBusy();
				quiet = isBusy || state !== seen ? 0 : quiet + 1;
				// A sleep that has led to nothing but another one needs no millisecond.
				hasMoved ||= quiet === 0;
				seen = state;
				if (quiet < QUIET_LOOKS) continue;
				quiet = 0;
				turns = 0;
				hasMoved = false;
				jump();
			}
			traffic.stop();
			return await work;
		},
	};
}

/**
 * Files that are being read or closed (CloseReq: a file is read only then) and connections that are being made, which a busy
 * machine takes its time for.
 */
const isSystemBusy = (): boolean =>
	process
		.getActiveResourcesInfo()
		.some((name) => /Req|^(GetAddrInfo|TCPConnect|WriteWrap)/.test(name));

/** What is on its way between this process and the server, which runs in it. */
function watchTraffic(server: Observed): {
	/** `state` is another one as soon as anything has moved. */
	look(): { isBusy: boolean; state: string };
	/** What has left and not arrived so far is lost. */
	giveUpComing(): void;
	stop(): void;
} {
	// By port: a test may reach the server by another name of this machine.
	const ports = new Set([new URL(server.url).port, new URL(server.mediaUrl).port]);
	const receivedBefore = server.requests().length;
	let started = 0;
	let ended = 0;
	let lost = 0;
	const open = new Set<ClientRequest>();
	const requestOf = (message: unknown): ClientRequest =>
		(message as { request: ClientRequest }).request;
	const isOurs = (message: unknown): boolean =>
		ports.has(String(requestOf(message).getHeader('host')).split(':').at(-1) ?? '');
	const onStart = (message: unknown): void => {
		if (!isOurs(message)) return;
		started += 1;
		open.add(requestOf(message));
	};
	/** An answer that was sent is still to be read. */
	const countBytes = (): number => {
		let bytes = 0;
		for (const request of open) {
			bytes += request.socket?.bytesRead ?? 0;
			if (request.destroyed) open.delete(request);
		}
		return bytes;
	};
	/** A handshake has nothing that the server counts as a request yet. */
	const isShakingHands = (): boolean =>
		[...open].some(({ destroyed, socket }) => {
			return !destroyed && (socket as { secureConnecting?: boolean } | null)?.secureConnecting;
		});
	const onEnd = (message: unknown): void => {
		if (isOurs(message)) ended += 1;
	};
	diagnostics.subscribe('http.client.request.start', onStart);
	diagnostics.subscribe('http.client.response.finish', onEnd);
	/** All before this one have been answered. */
	let firstOpen = receivedBefore;
	const isAnswering = (requests: ReturnType<Observed['requests']>): boolean => {
		while (firstOpen < requests.length && requests[firstOpen]?.status !== undefined) firstOpen += 1;
		for (let at = firstOpen; at < requests.length; at += 1) {
			if (requests[at]?.status === undefined) return true;
		}
		return false;
	};
	return {
		look() {
			const requests = server.requests();
			const isComing = started - lost > requests.length - receivedBefore;
			const isBusy = isComing || isShakingHands() || isAnswering(requests);
			return { isBusy, state: `${started} ${ended} ${requests.length} ${countBytes()}` };
		},
		giveUpComing() {
			lost = Math.max(lost, started - (server.requests().length - receivedBefore));
		},
		stop() {
			diagnostics.unsubscribe('http.client.request.start', onStart);
			diagnostics.unsubscribe('http.client.response.finish', onEnd);
		},
	};
}
