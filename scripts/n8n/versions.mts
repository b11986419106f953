/** The n8n that `npm start` and the end-to-end tests run. 2.41 depends on packages that a registry may lack. */
export const N8N_VERSION = '2.40.7';

/** n8n refuses older ones. */
export const OLDEST_N8N_NODE_MAJOR = 24;

/** The database driver of this n8n: the one native module that it can't start without. */
export const SQLITE_VERSION = '5.1.7';

/** `cssomnom`, which an optional corner of n8n wants, isn't in every registry; `cssom` is the package that it was made from. */
export const N8N_OVERRIDES = { cssomnom: 'npm:cssom@0.5.0' };

/** What the installed n8n takes on disk, with room for the package manager's temporary files. */
export const N8N_DISK_BYTES = 4_000_000_000;
