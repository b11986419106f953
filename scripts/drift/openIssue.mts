/** `tsx scripts/drift/openIssue.mts <title> <file>`: an issue with the text of the file, unless one is open. */
import { readFile } from 'node:fs/promises';

import { openIssue } from './issue.mts';

const [, , title = '', file = ''] = process.argv;
console.log(await openIssue(title, await readFile(file, 'utf8')));
