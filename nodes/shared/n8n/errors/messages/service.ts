import { DEFAULT_BASE_URL } from '../../../wavespeed/endpoints';
import type { Purpose } from '../../../wavespeed/failures';
import { shorten } from '../../../text';
import type { Message, Messages } from './message';

/** The key, the service, and its answers to requests that cost nothing. */
export const SERVICE_MESSAGES: Messages<
	| 'keyMalformed'
	| 'baseUrlWrong'
	| 'credentialOutOfReach'
	| 'keyRefused'
	| 'keyNotAllowed'
	| 'requestRefused'
	| 'noUsableAnswer'
	| 'uploadFailed'
	| 'uploadNotUnique'
	| 'uploadMethodUnknown'
	| 'secretRefused'
	| 'secretUnderWay'
	| 'secretTooSlow'
	| 'listHasNoEnd'
	| 'listUnreadable'
	| 'taskNotFound'
> = {
	keyMalformed: () => ({
		message: 'The API key in the WaveSpeed API credential is empty or has spaces in it',
		advice: 'Open the credential and enter the key again.',
	}),
	baseUrlWrong: ({ given }) => ({
		message: `The base URL in the WaveSpeed API credential can't be used: ${shorten(given)}`,
		advice: `It must start with https:// (http:// only for this machine, such as http://localhost:4010), without a user name, a question mark or a hash. The usual value is ${DEFAULT_BASE_URL}.`,
	}),
	credentialOutOfReach: ({ said, cause }, describe) => ({
		message: `The WaveSpeed API credential could not be read during the parked wait: ${cause ? describe(cause).message : said}`,
		advice:
			'An expression in the credential that needs data of the workflow gives nothing there: enter the key itself, or choose the Wait Mode "While the Execution Runs". If the credential was deleted or changed, repair it.',
	}),
	keyRefused: ({ said }) => ({
		message: `WaveSpeed doesn't accept the API key (${said})`,
		advice:
			'Check the key in the WaveSpeed API credential. A key works only after a first top-up of the account.',
	}),
	keyNotAllowed: ({ said, status }) => ({
		message: `WaveSpeed doesn't allow this with the API key of the credential: ${said}`,
		advice: adviceForRefusal(status, said),
	}),
	requestRefused: ({ purpose, said, status }) => ({
		message: couldNot(purpose, said),
		advice: adviceForRefusal(status, said),
	}),
	noUsableAnswer: ({ purpose, said }) => ({
		message: couldNot(purpose, said),
		advice: 'WaveSpeed may have a passing problem: try again later.',
	}),
	uploadFailed: ({ field, said }) => ({
		message: couldNot({ action: 'upload', field }, said),
		advice: 'Try again later.',
	}),
	uploadNotUnique: () => ({
		message: 'WaveSpeed gave the same address for the uploads of two different files',
		advice:
			'Try again later: with this address the video could have the picture or the voice of another row.',
	}),
	uploadMethodUnknown: ({ field, method }) => ({
		message: couldNot(
			{ action: 'upload', field },
			`WaveSpeed asks for an upload by ${method}, and this node knows PUT only`,
		),
		advice:
			'Look for a newer version of this node, or put the file somewhere public and give its URL.',
	}),
	secretRefused: ({ said }) => ({
		message: couldNot({ action: 'fetchSecret' }, said),
		advice: 'Check the base URL in the WaveSpeed API credential, and the role of the key.',
	}),
	secretUnderWay: () => withoutAdvice('The secret that WaveSpeed signs with is being fetched'),
	secretTooSlow: () => withoutAdvice('The secret that WaveSpeed signs with did not come in time'),
	listHasNoEnd: () => ({ message: 'The task list has no end', advice: 'Try again later.' }),
	listUnreadable: () => ({
		message: 'The task list holds a record that can not be read',
		advice: 'Look at WaveSpeed which tasks there are.',
	}),
	taskNotFound: ({ said }) => ({
		message: couldNot({ action: 'readTask' }, said),
		advice:
			"Check the ID. WaveSpeed keeps tasks for 7 days, and a key sees only its own account's tasks.",
	}),
};

const withoutAdvice = (message: string): Message => ({ message, advice: '' });

const couldNot = (purpose: Purpose, said: string): string =>
	`Could not ${describePurpose(purpose)}: ${said}`;

function describePurpose(purpose: Purpose): string {
	switch (purpose.action) {
		case 'submit':
			return 'submit the task';
		case 'quote':
			return 'ask for the price';
		case 'listTasks':
			return 'list the tasks of the account';
		case 'readBalance':
			return 'read the balance';
		case 'fetchSecret':
			return 'fetch the secret that WaveSpeed signs its callbacks with';
		case 'readTask':
			return 'read the task';
		case 'deleteTask':
			return 'delete the task';
		case 'upload':
			return `upload the file in "${purpose.field}"`;
	}
}

/** The status for an empty balance is not documented, so its words have to tell. */
const EMPTY_BALANCE =
	/insufficient[ _-]?(credit|balance|fund)|not enough (credit|balance)|top.?up|code 1407/i;

function adviceForRefusal(status: number, said: string): string {
	if (EMPTY_BALANCE.test(said)) {
		return 'The balance of the WaveSpeed account is too low. Top it up at wavespeed.ai, then run again.';
	}
	if (status === 403) {
		return 'Check the role of the key and the state of the account at WaveSpeed.';
	}
	if (status === 429) {
		return "A quota of the WaveSpeed account is used up, and waiting a minute doesn't bring it back. Look at wavespeed.ai what is left.";
	}
	if (status === 404) {
		return 'There is no such address at the service: check the base URL in the credential.';
	}
	if (status >= 300 && status < 400) {
		return 'The service answered with a redirect, which is not followed so that the key goes nowhere else. Check the base URL in the credential.';
	}
	return 'WaveSpeed refused the request; the text above says why.';
}
