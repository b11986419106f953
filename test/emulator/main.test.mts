import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startEmulator } from './emulator.mts';
import { closeAll, closeLater, send } from './testTools.mts';

const MAIN = fileURLToPath(new URL('./main.mts', import.meta.url));

afterEach(closeAll);

function runMain(...args: string[]): ChildProcessWithoutNullStreams {
	const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...args]);
	closeLater({ close: async () => void child.kill('SIGKILL') });
	return child;
}

async function untilOutput(child: ChildProcessWithoutNullStreams, wanted: RegExp) {
	let text = '';
	for await (const chunk of child.stdout) {
		text += String(chunk);
		const found = wanted.exec(text);
		if (found) return found;
	}
	throw new Error(`ended without ${String(wanted)}: ${text}`);
}

test('the command prints where it listens and how to use it, and ends on a signal', async () => {
	const child = runMain(
		'--port',
		'0',
		'--media-port',
		'0',
		'--api-key',
		'k',
		'--video',
		'placeholder',
	);
	const [, url] = await untilOutput(
		child,
		/API\s+(http:\/\/127\.0\.0\.1:\d+)[^]*Base URL \1[^]*\n/,
	);
	const headers = { Authorization: 'Bearer k' };
	const balance = await send({ url: `${String(url)}/api/v3/balance`, headers });
	expect(balance.body).toEqual({ code: 200, message: 'success', data: { balance: 100 } });
	child.kill('SIGTERM');
	expect(await once(child, 'exit')).toEqual([0, null]);
}, 60_000);

test('the command says which port is in use and which option is wrong', async () => {
	const { url } = closeLater(await startEmulator());
	const port = new URL(url).port;
	const runs: [string[], string][] = [
		[['--port', port], `Port ${port} is in use`],
		[['--level', 'wood'], '--level: "wood" is not one of bronze, silver, gold, ultra'],
	];
	for (const [args, message] of runs) {
		const child = runMain(...args);
		let said = '';
		child.stderr.on('data', (chunk) => (said += String(chunk)));
		const [code] = await once(child, 'close');
		expect(said).toContain(message);
		expect(code).toBe(1);
	}
}, 60_000);

describe('the pages for people', () => {
	test('show tasks and requests, take faults, and start over', async () => {
		const { url, apiKey } = closeLater(await startEmulator({ video: 'placeholder' }));
		const admin = (method: string, path: string, data?: object, accept = 'application/json') =>
			send({ method, url: `${url}/_emulator${path}`, data, headers: { accept } });
		const balance = () =>
			send({ url: `${url}/api/v3/balance`, headers: { Authorization: `Bearer ${apiKey}` } });
		const model = `${url}/api/v3/wavespeed-ai/wan-2.2/speech-to-video`;
		const input = { image: 'http://127.0.0.1:1/<b>.png', audio: 'http://127.0.0.1:1/a.mp3' };
		const headers = { Authorization: `Bearer ${apiKey}` };
		await send({ method: 'POST', url: model, data: input, headers });
		expect((await admin('GET', '')).body).toMatchObject({ paidTasks: 1, tasks: [{ input }] });
		const page = String((await admin('GET', '', undefined, 'text/html')).body);
		expect(page).toContain('1 tasks');
		expect(page).not.toContain('<b>');
		expect((await admin('GET', '/requests')).body).toMatchObject([{ step: 'submit' }]);

		expect((await admin('POST', '/faults', { step: 'nap', kind: 'hang' })).status).toBe(400);
		expect((await admin('POST', '/faults', { step: 'balance', kind: 'nap' })).status).toBe(400);
		const odd = { step: 'balance', kind: 'hang', times: 'often' };
		expect((await admin('POST', '/faults', odd)).status).toBe(400);
		const fault = { step: 'balance', kind: 'status', status: 502, times: 'Infinity' };
		expect((await admin('POST', '/faults', fault)).body).toEqual({ faults: 1 });
		expect((await balance()).status).toBe(502);
		expect((await balance()).status).toBe(502);

		expect((await admin('POST', '/reset', {})).status).toBe(200);
		expect((await balance()).status).toBe(200);
		expect((await admin('GET', '')).body).toMatchObject({ paidTasks: 0, spentUsd: 0, uploads: [] });
	});
});
