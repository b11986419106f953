import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { ensureN8n } from '../n8n/n8nInstall.mts';

/** Installs the n8n that N8N_VERSION names, and writes into the given file where it is. */
const installation = await ensureN8n();
const { stdout } = await promisify(execFile)(installation.node, ['--version']);
const nodeVersion = stdout.trim().replace(/^v/, '');
await writeFile(process.argv[2] ?? '', JSON.stringify({ ...installation, nodeVersion }));
