/** Fills in the repository and the author, in every file that names them: `npm run names -- owner/name "Author" email`. */
import { HOW_TO_FILL_IN, writeNames } from './projectNames.mjs';

const [repository = '', author = '', email = ''] = process.argv.slice(2);
const problems = [
	...(/^[\w.-]+\/[\w.-]+$/.test(repository) ? [] : [`"${repository}" is not OWNER/REPOSITORY`]),
	...(/^[^"\\]*\S[^"\\]*$/.test(author) ? [] : ['The name of the author is missing']),
	...(/^[^\s@"\\]+@[^\s@"\\]+\.[^\s@"\\]+$/.test(email)
		? []
		: [`"${email}" is not an e-mail address`]),
];
if (problems.length > 0) {
	for (const problem of [...problems, HOW_TO_FILL_IN]) console.error(problem);
	process.exitCode = 1;
} else {
	await writeNames({ repository, author, email });
	console.log('Done. Look with: git diff');
}
