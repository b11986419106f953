import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ensureCachedFolder, getCacheRoot } from '../../../scripts/n8n/cachedFolder.mts';
import { tryLock } from '../../../scripts/n8n/lock.mts';

/** Above every process number that Linux and macOS hand out. */
const NO_PROCESS = '99999999';

describe('a cached folder', () => {
	let root: string;
	let builds: number;
	let said: string[];

	beforeEach(async () => {
		root = await mkdtemp(join(tmpdir(), 'cached-'));
		builds = 0;
		said = [];
	});
	afterEach(() => rm(root, { recursive: true, force: true }));

	const ensure = (build?: (folder: string) => Promise<void>) =>
		ensureCachedFolder({
			folder: join(root, 'thing'),
			say: (text) => void said.push(text),
			build: async (folder) => {
				builds += 1;
				await build?.(folder);
				await writeFile(join(folder, 'content'), 'done');
			},
		});

	it('is built once and found by the next run', async () => {
		const folder = await ensure();
		expect(await ensure()).toBe(folder);
		expect(builds).toBe(1);
		expect(await readFile(join(folder, 'content'), 'utf8')).toBe('done');
	});

	it('is built once by two runs at the same time', async () => {
		await Promise.all([ensure(() => sleep(200)), ensure(() => sleep(200))]);
		expect(builds).toBe(1);
	});

	it('is nowhere to be seen after a build that failed, and is built again', async () => {
		await expect(ensure(() => Promise.reject(new Error('no network')))).rejects.toThrow(
			'no network',
		);
		expect(existsSync(join(root, 'thing'))).toBe(false);
		await ensure();
		expect(await readdir(root)).toEqual(['thing']);
	});

	it('is made again when an earlier run was killed in the middle', async () => {
		await mkdir(join(root, 'thing', 'half'), { recursive: true });
		await mkdir(join(root, 'thing.partial-x'));
		await writeFile(join(root, 'thing.lock'), NO_PROCESS);
		const folder = await ensure();
		expect(existsSync(join(folder, 'half'))).toBe(false);
		expect(await readdir(root)).toEqual(['thing']);
		expect(said.join()).toContain('was interrupted');
	});
});

describe('a lock', () => {
	let file: string;

	beforeEach(async () => {
		file = join(await mkdtemp(join(tmpdir(), 'lock-')), 'a.lock');
	});

	it('names the process that holds it', async () => {
		await writeFile(file, String(process.ppid));
		expect(await tryLock(file)).toEqual({ holder: process.ppid });
	});

	it('is taken over when its holder went silent, though another process has its number now', async () => {
		await writeFile(file, String(process.ppid));
		const longAgo = new Date(Date.now() - 10 * 60_000);
		await utimes(file, longAgo, longAgo);
		const lock = await tryLock(file);
		expect(lock).toHaveProperty('release');
		if ('release' in lock) await lock.release();
		expect(existsSync(file)).toBe(false);
	});
});

describe('the cache root', () => {
	it('is a folder of the user, elsewhere on request', () => {
		expect(getCacheRoot({ XDG_CACHE_HOME: '/caches' })).toBe(
			join('/caches', 'n8n-nodes-wavespeed-speech-to-video'),
		);
		expect(getCacheRoot({ WAVESPEED_NODE_CACHE: '/big', XDG_CACHE_HOME: '/caches' })).toBe('/big');
	});
});
