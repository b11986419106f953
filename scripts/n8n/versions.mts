/** The n8n that `npm start` and the end-to-end tests run, unless N8N_VERSION names another. */
export const PINNED_N8N_VERSION = '2.40.7';

/** `npm run test:compat`: where n8n began to do something that the node needs, and both ends. */
export const COMPATIBILITY: { n8n: string; queueMode?: boolean }[] = [
	// The last 1.x, which n8n still maintains; before 1.121 an expression could not give the file of another node.
	{ n8n: '1.123.0' },
	// A parked node would get the results of its child execution too early.
	{ n8n: '2.0.0' },
	// Near 2.5, from which on a node can be parked where its workflow's settings say that executions are saved.
	{ n8n: '2.6.4' },
	{ n8n: '2.20.0', queueMode: true },
	// From here on a resumed node can fail.
	{ n8n: '2.30.0' },
	// The last that may lose a waiting execution in queue mode (n8n PR 34958).
	{ n8n: '2.33.7', queueMode: true },
	{ n8n: PINNED_N8N_VERSION, queueMode: true },
	// The newest whose packages all are on npm.
	{ n8n: '2.41.1' },
];

export const N8N_VERSION = process.env.N8N_VERSION || PINNED_N8N_VERSION;

/** n8n refuses older ones, and all versions named here run on it. */
export const OLDEST_N8N_NODE_MAJOR = 24;

/** The database driver of this n8n: the one native module that it can't start without. */
export const SQLITE_VERSION = '5.1.7';

/**
 * `cssomnom`, which an optional corner of n8n wants, isn't in every registry; `cssom` is the package that it was made from.
 * n8n 1.x takes `xlsx` from its makers' own server; npm has an earlier one.
 */
export const N8N_OVERRIDES = { cssomnom: 'npm:cssom@0.5.0', xlsx: 'npm:xlsx@0.18.5' };

/** What the installed n8n takes on disk, with room for the package manager's temporary files. */
export const N8N_DISK_BYTES = 4_000_000_000;
