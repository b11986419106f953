/**
 * The names and addresses that only the owner of the repository knows. They stand in the files below, and are filled in
 * by one command (scripts/nameProject.mjs); until then they are these placeholders, and nothing is published.
 */
import { readFile, writeFile } from 'node:fs/promises';

const root = new URL('../', import.meta.url);

export const PLACEHOLDERS = {
	/** `owner/name` at GitHub. */
	repository: 'n8n-nodes-wavespeed-speech-to-video/n8n-nodes-wavespeed-speech-to-video',
	author: 'The n8n-nodes-wavespeed-speech-to-video authors',
	email: 'maintainers@n8n-nodes-wavespeed-speech-to-video.dev',
};

/** What each file must say; a link that leads to another repository sends users, or a report of a hole, to nobody. */
const FILES = [
	['package.json', ['repository', 'author', 'email']],
	['SECURITY.md', ['repository']],
	['LICENSE', ['author']],
	['credentials/WaveSpeedApi.credentials.ts', ['repository']],
	['nodes/Wan22SpeechToVideo/Wan22SpeechToVideo.node.json', ['repository']],
	['nodes/Wan22SpeechToVideoTrigger/Wan22SpeechToVideoTrigger.node.json', ['repository']],
];

const readText = async (path) => await readFile(new URL(path, root), 'utf8');

/** The names as package.json has them now. */
export async function readNames() {
	const { repository, author } = JSON.parse(await readText('package.json'));
	const [, name] = /github\.com\/([^/]+\/[^/]+?)(?:\.git)?$/.exec(repository?.url ?? '') ?? [];
	return { repository: name ?? '', author: author?.name ?? '', email: author?.email ?? '' };
}

/** Writes the names into every file that has them, in the place of those that it has now. */
export async function writeNames(names) {
	const before = await readNames();
	for (const [path, kinds] of FILES) {
		const text = await readText(path);
		const renamed = kinds.reduce((done, kind) => done.replaceAll(before[kind], names[kind]), text);
		await writeFile(new URL(path, root), renamed);
	}
}

/** What keeps the names and addresses from being published; empty if nothing does. */
export async function findNameProblems() {
	const names = await readNames();
	const problems = Object.entries(PLACEHOLDERS)
		.filter(([kind, placeholder]) => names[kind] === placeholder || names[kind] === '')
		.map(([kind]) => `package.json: the ${kind} is still a placeholder. ${HOW_TO_FILL_IN}`);
	for (const [path, kinds] of FILES) {
		const text = await readText(path);
		for (const kind of kinds) {
			if (!text.includes(names[kind])) {
				problems.push(
					`${path} does not say "${names[kind]}", as package.json does. ${HOW_TO_FILL_IN}`,
				);
			} else if (names[kind] !== PLACEHOLDERS[kind] && text.includes(PLACEHOLDERS[kind])) {
				problems.push(`${path} still has the placeholder "${PLACEHOLDERS[kind]}"`);
			}
		}
	}
	return problems;
}

export const HOW_TO_FILL_IN =
	'Fill it in with: npm run names -- OWNER/REPOSITORY "NAME OF THE AUTHOR" EMAIL';
