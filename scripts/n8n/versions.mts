/** The n8n that `npm start` and the end-to-end tests run, unless N8N_VERSION names another. */
export const PINNED_N8N_VERSION = '2.40.7';

/**
 * `npm run test:compat`: the last 1.x, which n8n still maintains (before 1.121 an expression could not give the file of another
 * node), and the newest whose packages all are on npm.
 */
export const OLDEST_N8N_VERSION = '1.123.0';
export const NEWEST_N8N_VERSION = '2.41.1';

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
