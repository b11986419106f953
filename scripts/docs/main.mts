/** `npm run docs`: writes the pages that are read from the code. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { readErrorMessages, toMarkdown } from './errorMessages.mts';

const root = fileURLToPath(new URL('../..', import.meta.url));
await writeFile(`${root}/docs/errors.md`, toMarkdown(await readErrorMessages(root)));
