/** `npm run docs`: writes the pages that are made from the code. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { writeErrors } from './errors.mts';

const root = fileURLToPath(new URL('../..', import.meta.url));
await writeFile(`${root}/docs/errors.md`, writeErrors());
