import { parseArgs } from 'node:util';
import { startEmulator } from './emulator.mts';
import type { AccountLevel, EmulatorOptions } from './types.mts';

/** `npm run emulator -- --level bronze --speed 2`: the emulator alone, for building workflows without spending money. */

const HELP = `Usage: npm run emulator -- [options]

  --port <n>              API origin (4010)
  --media-port <n>        uploads and videos (4011)
  --api-key <text>        the key that is accepted (test-key)
  --level <name>          bronze, silver, gold or ultra (bronze)
  --over-limit <what>     reject (429) or queue what is above the concurrency limit (reject)
  --task-seconds <n>      how long a task takes (6); "real" for about 12 s per second of audio
  --speed <n>             how many times faster tasks run (1)
  --balance <usd>         money on the account (100)
  --video <what>          real (picture and voice, by ffmpeg) or placeholder (real)
  --audio-seconds <n>     assumed length of audio with --video placeholder (5)
  --ticket-uploads <what> on, 404 or 405: the answer of the ticket endpoint (on)
  --created-at <what>     ms, ns, noZone or offset: how created_at is written (ms)
  --echo-input            echo a task's input in results and lists
  --include-inputs <what> honoured, ignored or refused: the answer to include_inputs in a list (honoured)
  --max-page-size <n>     the largest page of a list (100)
  --clock-skew <seconds>  how far the service's clock is ahead (0)
  --strict-body           body keys that the model doesn't have are an error
  --null-nsfw             has_nsfw_contents is null
  --help`;

const DEFAULT_PORT = '4010';
const DEFAULT_MEDIA_PORT = '4011';

function readOptions(args: string[]): EmulatorOptions | undefined {
	const text = (value: string) => ({ type: 'string' as const, default: value });
	const { values } = parseArgs({
		args,
		options: {
			port: text(DEFAULT_PORT),
			'media-port': text(DEFAULT_MEDIA_PORT),
			'api-key': text('test-key'),
			level: text('bronze'),
			'over-limit': text('reject'),
			'task-seconds': text('6'),
			speed: text('1'),
			balance: text('100'),
			video: text('real'),
			'audio-seconds': text('5'),
			'ticket-uploads': text('on'),
			'created-at': text('ms'),
			'include-inputs': text('honoured'),
			'max-page-size': text('100'),
			'clock-skew': text('0'),
			'echo-input': { type: 'boolean', default: false },
			'strict-body': { type: 'boolean', default: false },
			'null-nsfw': { type: 'boolean', default: false },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) return undefined;
	const ticket = oneOf('ticket-uploads', values['ticket-uploads'], ['on', '404', '405']);
	const isReal = values['task-seconds'] === 'real';
	return {
		port: toNumber('port', values.port),
		mediaPort: toNumber('media-port', values['media-port']),
		apiKey: values['api-key'],
		accountLevel: oneOf<AccountLevel>('level', values.level, ['bronze', 'silver', 'gold', 'ultra']),
		overLimit: oneOf('over-limit', values['over-limit'], ['reject', 'queue']),
		taskSeconds: isReal ? undefined : toNumber('task-seconds', values['task-seconds']),
		speed: toNumber('speed', values.speed, Number.MIN_VALUE),
		balance: toNumber('balance', values.balance),
		video: oneOf('video', values.video, ['real', 'placeholder']),
		audioSeconds: toNumber('audio-seconds', values['audio-seconds']),
		ticketUploads: ticket === 'on' ? true : ticket === '404' ? 404 : 405,
		createdAtFormat: oneOf('created-at', values['created-at'], ['ms', 'ns', 'noZone', 'offset']),
		includeInputs: oneOf('include-inputs', values['include-inputs'], [
			'honoured',
			'ignored',
			'refused',
		]),
		maxPageSize: toNumber('max-page-size', values['max-page-size'], 1),
		clockSkewMs: toNumber('clock-skew', values['clock-skew'], -Infinity) * 1000,
		echoInput: values['echo-input'],
		strictBody: values['strict-body'],
		nullNsfw: values['null-nsfw'],
	};
}

function toNumber(name: string, text: string, least = 0): number {
	const value = Number(text);
	if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value;
	throw new Error(`--${name}: "${text}" is not a number`);
}

function oneOf<const T extends string>(name: string, value: string, allowed: readonly T[]): T {
	const found = allowed.find((one) => one === value);
	if (found !== undefined) return found;
	throw new Error(`--${name}: "${value}" is not one of ${allowed.join(', ')}`);
}

async function main(): Promise<void> {
	const options = readOptions(process.argv.slice(2));
	if (!options) return console.log(HELP);
	const emulator = await startEmulator(options);
	console.log(`WaveSpeed API emulator (no real service, no real money)

  API       ${emulator.url}      status page: ${emulator.url}/_emulator
  uploads and videos   ${emulator.mediaUrl}
  key       ${emulator.apiKey}

In n8n: new credential "WaveSpeed API" with this key, Base URL ${emulator.url}, account level "${options.accountLevel}".
Ctrl+C ends it.`);
	const end = () => void emulator.close().then(() => process.exit(0));
	process.once('SIGINT', end);
	process.once('SIGTERM', end);
}

main().catch((error: NodeJS.ErrnoException & { port?: number }) => {
	const isTaken = error.code === 'EADDRINUSE';
	console.error(
		isTaken
			? `Port ${error.port} is in use. End what listens there or choose others with --port and --media-port.`
			: `${error.message}\nSee --help.`,
	);
	process.exitCode = 1;
});
