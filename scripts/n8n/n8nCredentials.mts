import { unwrap, type N8nSession } from './n8nRest.mts';
import { listAt, textAt, type JsonRecord } from './shape.mts';

export interface CredentialInput {
	name: string;
	type: string;
	data: JsonRecord;
}

export interface CredentialReference {
	id: string;
	name: string;
}

/** Creates a credential, or gives the one of this name new data. */
export async function saveCredential(
	{ http }: N8nSession,
	input: CredentialInput,
): Promise<CredentialReference> {
	const list = unwrap(await http.get('/rest/credentials'), 'listing the credentials');
	const known = listAt({ list }, 'list').find(
		(entry) => textAt(entry, 'name') === input.name && textAt(entry, 'type') === input.type,
	);
	const id = textAt(known, 'id');
	const saved =
		id === undefined
			? unwrap(await http.post('/rest/credentials', input), 'creating the credential')
			: unwrap(await http.patch(`/rest/credentials/${id}`, input), 'updating the credential');
	return { id: id ?? textAt(saved, 'id') ?? '', name: input.name };
}

export interface CredentialTest {
	isGreen: boolean;
	message: string;
}

/** What the editor does after "Save": n8n sends the credential type's test request. */
export async function testCredential(
	{ http }: N8nSession,
	reference: CredentialReference,
	input: CredentialInput,
): Promise<CredentialTest> {
	const credentials = { id: reference.id, ...input };
	const result = unwrap(
		await http.post('/rest/credentials/test', { credentials }),
		'testing the credential',
	);
	return {
		isGreen: textAt(result, 'status') === 'OK',
		message: textAt(result, 'message') ?? '',
	};
}
