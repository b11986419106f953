import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { textAt } from './shape.mts';

/** The holder touches its lock this often … */
const HEARTBEAT_MS = 5_000;
/** … and one that wasn't touched for this long is dead, even if another process has its number by now (as in containers). */
const STALE_AFTER_MS = 60_000;

export type Lock = { release: () => Promise<void> } | { holder: number };

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		// EPERM: it lives, under another user.
		return textAt(error, 'code') === 'EPERM';
	}
}

async function readHolder(lockFile: string): Promise<number> {
	return Number(await readFile(lockFile, 'utf8').catch(() => '0'));
}

async function isStale(lockFile: string, holder: number): Promise<boolean> {
	if (holder > 0 && !isAlive(holder)) return true;
	const touched = await stat(lockFile).catch(() => undefined);
	return touched !== undefined && Date.now() - touched.mtimeMs > STALE_AFTER_MS;
}

async function create(lockFile: string): Promise<boolean> {
	const handle = await open(lockFile, 'wx').catch((error: unknown) => {
		if (textAt(error, 'code') === 'EEXIST') return undefined;
		throw error;
	});
	if (handle === undefined) return false;
	await handle.writeFile(String(process.pid));
	await handle.close();
	// Two runs may have removed the same stale lock: the one whose number stands there now has it.
	await sleep(50);
	return (await readHolder(lockFile)) === process.pid;
}

/** Takes a lock file, or says which process has it. The lock of a process that died is taken over. */
export async function tryLock(lockFile: string): Promise<Lock> {
	await mkdir(dirname(lockFile), { recursive: true });
	while (!(await create(lockFile))) {
		const holder = await readHolder(lockFile);
		if (await isStale(lockFile, holder)) await rm(lockFile, { force: true });
		else if (holder > 0) return { holder };
		else await sleep(100);
	}
	const heartbeat = setInterval(() => {
		const now = new Date();
		void utimes(lockFile, now, now).catch(() => undefined);
	}, HEARTBEAT_MS);
	heartbeat.unref();
	return {
		release: async () => {
			clearInterval(heartbeat);
			await rm(lockFile, { force: true });
		},
	};
}

/** Waits until the lock is free, and takes it. */
export async function waitForLock(
	lockFile: string,
	onWait: (holder: number) => void,
	signal?: AbortSignal,
): Promise<() => Promise<void>> {
	for (let told = false; ; told = true) {
		const lock = await tryLock(lockFile);
		if ('release' in lock) return lock.release;
		if (!told) onWait(lock.holder);
		await sleep(1000, undefined, signal ? { signal } : {});
	}
}
