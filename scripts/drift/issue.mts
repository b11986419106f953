import axios from 'axios';

/** GitHub takes no longer ones. */
const MOST_BODY_CHARS = 60_000;

/** Opens an issue with this title, unless one is open: a scheduled check must not open one each week. */
export async function openIssue(title: string, body: string): Promise<string> {
	const {
		GITHUB_TOKEN,
		GITHUB_REPOSITORY,
		GITHUB_API_URL = 'https://api.github.com',
	} = process.env;
	if (!GITHUB_TOKEN || !GITHUB_REPOSITORY) {
		throw new Error('GITHUB_TOKEN and GITHUB_REPOSITORY say where to open the issue.');
	}
	const github = axios.create({
		baseURL: `${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/issues`,
		headers: { Authorization: `Bearer ${GITHUB_TOKEN}`, Accept: 'application/vnd.github+json' },
		timeout: 30_000,
	});
	const { data } = await github.get<{ title: string; html_url: string }[]>('', {
		params: { state: 'open', per_page: 100 },
	});
	const same = data.find((issue) => issue.title === title);
	if (same) return `There is an open issue already: ${same.html_url}`;
	const opened = await github.post<{ html_url: string }>('', {
		title,
		body: body.slice(0, MOST_BODY_CHARS),
	});
	return `Opened ${opened.data.html_url}`;
}
