import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PARTS = [
	// With it npm runs nothing before or after what it is asked to run.
	'.npmrc',
	'package.json',
	'package-lock.json',
	'CHANGELOG.md',
	'SECURITY.md',
	'LICENSE',
	'credentials',
	'nodes/Wan22SpeechToVideo/Wan22SpeechToVideo.node.json',
	'nodes/Wan22SpeechToVideoTrigger/Wan22SpeechToVideoTrigger.node.json',
	'scripts/checkRelease.mjs',
	'scripts/nameProject.mjs',
	'scripts/projectNames.mjs',
];
const NAMES = ['jane/talking-videos', 'Jane Doe', 'jane@example.org'];

describe('before a release', () => {
	let copy: string;

	beforeEach(async () => {
		copy = await mkdtemp(join(tmpdir(), 'release-'));
		for (const part of PARTS) {
			await cp(join(process.cwd(), part), join(copy, part), { recursive: true });
		}
	});
	afterEach(async () => {
		await rm(copy, { recursive: true, force: true });
	});

	/** What a command says, and whether it lets the release go on. */
	const run = async (command: string, ...args: string[]): Promise<{ ok: boolean; said: string }> =>
		await new Promise((resolve) => {
			execFile(command, args, { cwd: copy }, (error, stdout, stderr) => {
				resolve({ ok: error === null, said: stdout + stderr });
			});
		});
	const check = async (...args: string[]) =>
		await run(process.execPath, 'scripts/checkRelease.mjs', ...args);
	const fillIn = async (...names: string[]) =>
		await run(process.execPath, 'scripts/nameProject.mjs', ...names);
	const change = async (path: string, edit: (text: string) => string): Promise<void> => {
		const file = join(copy, path);
		await writeFile(file, edit(await readFile(file, 'utf8')));
	};
	const addSection = async (): Promise<void> => {
		const { version } = JSON.parse(await readFile(join(copy, 'package.json'), 'utf8')) as {
			version: string;
		};
		await change('CHANGELOG.md', (text) => `${text}\n## [${version}] - 2026-12-01\n`);
	};

	test('placeholders are refused, each with the command that fills it in', async () => {
		const { ok, said } = await check();
		expect(ok).toBe(false);
		for (const kind of ['repository', 'author', 'email']) {
			expect(said).toContain(`package.json: the ${kind} is still a placeholder`);
		}
		expect(said).toContain('npm run names -- OWNER/REPOSITORY');
	});

	test('names that are filled in pass, in every file that has them', async () => {
		expect(await fillIn(...NAMES)).toMatchObject({ ok: true });
		expect(await check()).toMatchObject({ ok: true });
		for (const part of PARTS.filter((path) => /(package|node)\.json$|SECURITY/.test(path))) {
			const text = await readFile(join(copy, part), 'utf8');
			expect(text).toContain('github.com/jane/talking-videos');
			expect(text).not.toContain('n8n-nodes-wavespeed-speech-to-video/n8n-nodes');
		}
		const manifest = JSON.parse(await readFile(join(copy, 'package.json'), 'utf8')) as object;
		expect(manifest).toMatchObject({
			// The package keeps its name: users have installed it.
			name: 'n8n-nodes-wavespeed-speech-to-video',
			author: { name: 'Jane Doe', email: 'jane@example.org' },
			homepage: 'https://github.com/jane/talking-videos#readme',
			repository: { url: 'git+https://github.com/jane/talking-videos.git' },
		});
	});

	test.each([
		['jane', 'Jane Doe', 'jane@example.org'],
		['jane/videos', ' ', 'jane@example.org'],
		['jane/videos', 'Jane Doe', 'jane'],
	])('names that can not be right change nothing: %s, %s, %s', async (...names) => {
		const before = await readFile(join(copy, 'package.json'), 'utf8');
		expect(await fillIn(...names)).toMatchObject({ ok: false });
		expect(await readFile(join(copy, 'package.json'), 'utf8')).toBe(before);
	});

	test('a link that leads to another repository is refused', async () => {
		await fillIn(...NAMES);
		await change('SECURITY.md', (text) => text.replace('jane/talking-videos', 'john/videos'));
		expect(await check()).toEqual({
			ok: false,
			said: expect.stringContaining('SECURITY.md does not say "jane/talking-videos"'),
		});
	});

	test('what is uploaded needs its version in the changelog, the lock file and the tag', async () => {
		await fillIn(...NAMES);
		expect((await check('--publish')).said).toContain('CHANGELOG.md has no section');
		await addSection();
		expect(await check('--publish')).toMatchObject({ ok: true });
		expect((await check('99.0.0')).said).toContain('The tag is 99.0.0');
		await change('package-lock.json', (text) =>
			text.replace(/"version": "[^"]+"/, '"version": "9.9.9"'),
		);
		expect((await check('--publish')).said).toContain('package-lock.json says 9.9.9');
	});

	test('npm asks before a release and before an upload', async () => {
		// What would release and publish stands still: only what npm runs before it is of interest.
		await change('package.json', (text) => {
			const manifest = JSON.parse(text) as { scripts: Record<string, string> };
			const { release = '', prepublishOnly = '' } = manifest.scripts;
			manifest.scripts.release = release.replace('n8n-node release', 'echo RELEASED');
			manifest.scripts.prepublishOnly = prepublishOnly.replace('n8n-node prerelease && ', '');
			return JSON.stringify(manifest, undefined, '\t');
		});
		const release = async () => await run('npm', 'run', 'release');
		// `npm publish` would ask the registry.
		const publish = async () => await run('npm', 'run', 'prepublishOnly');
		for (const attempt of [release, publish]) {
			const { ok, said } = await attempt();
			expect(ok).toBe(false);
			expect(said).toContain('is still a placeholder');
			expect(said).not.toMatch(/^RELEASED/m);
		}
		await fillIn(...NAMES);
		await addSection();
		const released = await release();
		expect(released).toMatchObject({ ok: true, said: expect.stringMatching(/^RELEASED/m) });
		const published = await publish();
		expect(published.said).toContain('is ready to be published');
		expect(published).toMatchObject({ ok: true });
	}, 120_000);
});
