import { Semaphore } from '../async/semaphore';

/**
 * What the process can bear, whatever the number of accounts, executions and rows: Linux allows a process 1,024 open
 * files by default, and n8n needs some itself.
 */

/** Rows whose files are read, at most two files each. Uploads hold at most eight more open. */
export const FILE_READS = new Semaphore(16);

/** Videos that are being downloaded. A storage mode that can't stream holds each of them in memory. */
export const DOWNLOADS = new Semaphore(32);

/**
 * Callbacks for which the credential is being read. n8n does so anew for each, and may make engines for expressions for it:
 * 1,000 that came together held 8 GB, and n8n answered hardly any of them in time.
 */
export const LOOK_UPS = new Semaphore(8);
