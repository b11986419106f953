import { prepareExample, readExamples } from '../n8n/examples.mts';
import { saveCredential, testCredential, type CredentialInput } from '../n8n/n8nCredentials.mts';
import type { N8nSession } from '../n8n/n8nRest.mts';
import { saveWorkflow, type Workflow } from '../n8n/n8nWorkflows.mts';

/** The one that `npm start` runs. */
const EXAMPLE = 'talking-portrait';

/** n8n passes the system's word on. */
const UNREACHABLE = /ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|timeout/i;

/** Stores the credential and the examples. Returns the id and content of the one to run. */
export async function importExamples(
	session: N8nSession,
	root: string,
	filesFolder: string,
	credential: CredentialInput,
): Promise<{ id: string; workflow: Workflow }> {
	const reference = await saveCredential(session, credential);
	const { isGreen, message } = await testCredential(session, reference, credential);
	if (!isGreen) {
		const url = String(credential.data.baseUrl);
		throw new Error(
			UNREACHABLE.test(message)
				? `${url} can't be reached (${message}). Nothing was paid; check the network and try again.`
				: `${url} didn't accept the API key: ${message}`,
		);
	}
	let chosen: { id: string; workflow: Workflow } | undefined;
	for (const example of await readExamples(root)) {
		const workflow = prepareExample(example, reference, filesFolder);
		const id = await saveWorkflow(session, workflow);
		if (example.key === EXAMPLE) chosen = { id, workflow };
	}
	if (chosen === undefined) throw new Error(`examples/${EXAMPLE}.json is missing.`);
	return chosen;
}
