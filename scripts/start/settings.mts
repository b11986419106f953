import { join } from 'node:path';

import { getCacheRoot } from '../n8n/cachedFolder.mts';

const REAL_API = 'https://api.wavespeed.ai';

export interface Settings {
	root: string;
	cacheRoot: string;
	/** End after the job instead of leaving the editor open. */
	once: boolean;
	/** For the development of the node: it is compiled and loaded anew whenever a file is saved; no example is run. */
	watch: boolean;
	/** The user's key; without it the emulator answers. Never printed. */
	realKey: string | undefined;
	realApi: string;
	preferredPort: number;
	outputFolder: string;
	mediaFolder: string;
}

const USAGE = `npm start             sets up n8n, makes a talking video, leaves the editor open
npm start -- --once   ends after the video
npm run dev           compiles and loads the node anew whenever a file is saved

Environment:
  WAVESPEED_API_KEY      use the real service (this spends money) instead of the emulator
  WAVESPEED_NODE_CACHE   where n8n is kept between runs
  N8N_PORT               the editor's port, 5678 if free`;

/** Reads the command line and the environment; undefined: help was asked for. */
export function readSettings(root: string, args: string[]): Settings | undefined {
	const unknown = args.filter((arg) => !['--once', '--watch', '--help', '-h'].includes(arg));
	if (unknown.length > 0) throw new Error(`Unknown argument: ${unknown.join(' ')}\n\n${USAGE}`);
	if (args.includes('--help') || args.includes('-h')) {
		console.log(USAGE);
		return undefined;
	}
	const { WAVESPEED_API_KEY: key = '', N8N_PORT: port = '' } = process.env;
	return {
		root,
		cacheRoot: getCacheRoot(),
		once: args.includes('--once'),
		watch: args.includes('--watch'),
		realKey: key.trim() === '' ? undefined : key.trim(),
		realApi: REAL_API,
		preferredPort: /^\d+$/.test(port) ? Number(port) : 5678,
		outputFolder: join(root, 'output'),
		mediaFolder: join(root, 'test', 'media'),
	};
}
