import type { IDataObject } from 'n8n-workflow';

import type { EmulatorOptions, Fault, RecordedRequest, Step } from '../emulator/types.mts';
import type { Rig } from '../engine/harness/rig.mts';

/**
 * Where an operation of the node meets a step of the API. Two rows run side by side, and the fault meets the
 * requests of one of them only.
 */
export interface RowScene {
	kind: 'rows';
	title: string;
	/** What the node does there. */
	about: string;
	parameters: IDataObject;
	emulator?: EmulatorOptions;
	/** The rows bring files, so that they are uploaded; else the pictures are at the service already. */
	withFiles?: boolean;
	/** The tasks of the rows exist before: `ended` or still `running`. */
	tasksBefore?: 'running' | 'ended';
	/** What else goes wrong, so that the step is reached at all. */
	reachedBy?: Omit<Fault, 'when'>;
	isOfBadRow(request: RecordedRequest, rig: Rig): boolean;
	/** The rows are tried with Retry On Fail too: the scenes in which money is spent. */
	retryOnFail?: boolean;
}

/** What the trigger, or a parked execution, does with callbacks. */
export interface CallbackScene {
	kind: 'activation' | 'trigger' | 'parked';
	title: string;
	about: string;
}

export type Scene = RowScene | CallbackScene;

export const BAD = { prompt: 'bad', fileName: 'bad.png', media: 'portrait2.png' };
export const GOOD = { prompt: 'good', fileName: 'good.png', media: 'portrait.png' };

/** Sizes of the two pictures, which are all that tells their uploads apart. */
export const isUploadOf = (request: RecordedRequest, byteCount: number): boolean => {
	const sent = Number(request.headers['content-length']);
	// Multipart adds some hundred bytes around the file.
	return sent >= byteCount && sent < byteCount + 2_000;
};

/** The size of its picture. */
export const BAD_BYTES = 51_055;

const bodyOf = ({ body }: RecordedRequest): Record<string, unknown> =>
	typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};

const isOfBadTask = ({ path }: RecordedRequest, rig: Rig): boolean =>
	rig.emulator.tasks().some(({ id, input }) => input.prompt === BAD.prompt && path.includes(id));

const isBadSubmit = (request: RecordedRequest): boolean => bodyOf(request).prompt === BAD.prompt;

export const PROMPT = '={{ $json.prompt }}';
const TASK_ID = '={{ $json.taskId }}';
/** What is tried until the time limit is tried often enough in five minutes. */
const OPTIONS = { timeoutMinutes: 5, pollIntervalSeconds: 30 };
export const URLS = {
	imageSource: 'url',
	imageUrl: '={{ $json.imageUrl }}',
	audioSource: 'url',
	audioUrl: '={{ $json.audioUrl }}',
};
const GENERATE = { operation: 'generate', prompt: PROMPT, ...URLS, options: OPTIONS };
/** The node tries for a quarter of an hour to upload, and the other row has to wait as long. */
const UPLOAD = { operation: 'generate', prompt: PROMPT, options: { timeoutMinutes: 60 } };

const upload = (title: string, about: string): Omit<RowScene, 'isOfBadRow'> => ({
	kind: 'rows',
	title,
	about,
	parameters: UPLOAD,
	withFiles: true,
});

/** Every step of the emulator must be here, or the type check fails. */
export const SCENES: Record<Step, Scene[] | { unused: string }> = {
	ticket: [
		{
			...upload('Upload ticket', '*Generate* asks where it may put the picture.'),
			isOfBadRow: (request) => bodyOf(request).filename === BAD.fileName,
		},
	],
	put: [
		{
			...upload('Upload', '*Generate* puts the picture where the ticket says.'),
			isOfBadRow: (request) => isUploadOf(request, BAD_BYTES),
		},
	],
	multipart: [
		{
			...upload(
				'Upload without tickets',
				'*Generate* sends the picture as a form, where the service offers no tickets.',
			),
			emulator: { ticketUploads: 404 },
			isOfBadRow: (request) => isUploadOf(request, BAD_BYTES),
		},
	],
	price: [
		{
			kind: 'rows',
			title: 'Quote',
			about: '*Generate* with *Max Cost per Video* asks for the price before it submits.',
			parameters: { ...GENERATE, options: { ...OPTIONS, maxCostPerVideo: 5 } },
			isOfBadRow: (request) =>
				String((bodyOf(request).inputs as IDataObject | undefined)?.image).endsWith(BAD.fileName),
		},
	],
	submit: [
		{
			kind: 'rows',
			title: 'Submit',
			about: '*Generate* submits the task: the one request that costs money.',
			parameters: GENERATE,
			isOfBadRow: isBadSubmit,
			retryOnFail: true,
		},
	],
	list: [
		{
			kind: 'rows',
			title: 'Search for a lost task',
			about:
				'A submit of *Generate* was accepted, but its answer was lost: the node looks for the task in the task list, and that is what fails.',
			parameters: GENERATE,
			reachedBy: { step: 'submit', kind: 'resetAfter' },
			isOfBadRow: () => true,
			retryOnFail: true,
		},
		{
			kind: 'rows',
			title: 'Get Many',
			about: '*Get Many* lists the tasks of the account.',
			parameters: {
				resource: 'task',
				operation: 'getAll',
				returnAll: true,
				filters: { status: '={{ $json.status }}' },
			},
			tasksBefore: 'ended',
			isOfBadRow: (request) => bodyOf(request).status === 'completed',
		},
	],
	result: [
		{
			kind: 'rows',
			title: 'Wait of Generate',
			about: '*Generate* looks whether the task has ended. Its time limit is five minutes here.',
			parameters: GENERATE,
			isOfBadRow: isOfBadTask,
			retryOnFail: true,
		},
		{
			kind: 'rows',
			title: 'Wait',
			about: '*Wait* does the same for a task that exists already.',
			parameters: { resource: 'task', operation: 'wait', taskId: TASK_ID, options: OPTIONS },
			tasksBefore: 'running',
			isOfBadRow: isOfBadTask,
		},
		{
			kind: 'rows',
			title: 'Get',
			about: '*Get* looks at a task once.',
			parameters: { resource: 'task', operation: 'get', taskId: TASK_ID },
			tasksBefore: 'ended',
			isOfBadRow: isOfBadTask,
		},
		{
			kind: 'trigger',
			title: 'Look of the trigger',
			about: 'A callback has reached the trigger, which reads its task from the API.',
		},
		{
			kind: 'parked',
			title: 'Check of a parked execution',
			about:
				'The execution is parked with two tasks, and its child checks one that meets the fault. Its time limit is an hour.',
		},
	],
	download: [
		{
			kind: 'rows',
			title: 'Download',
			about: '*Generate* with *Download Video* fetches the video from its public address.',
			parameters: { ...GENERATE, options: { ...OPTIONS, downloadVideo: true } },
			isOfBadRow: isOfBadTask,
			retryOnFail: true,
		},
	],
	secret: [
		{
			kind: 'activation',
			title: 'Activation of the trigger',
			about:
				'The workflow is activated: the trigger asks for the secret that callbacks are signed with.',
		},
		{
			kind: 'trigger',
			title: 'Secret at a callback',
			about: 'A callback comes after a restart of n8n: the trigger asks for the secret again.',
		},
	],
	webhook: [
		{
			kind: 'trigger',
			title: 'Callback to the trigger',
			about: 'The callback itself is lost, damaged, or its answer is lost.',
		},
		{
			kind: 'parked',
			title: 'Callback to a parked execution',
			about:
				'The same for an execution that is parked with two tasks: callbacks only make it sooner.',
		},
	],
	balance: {
		unused: 'Only the test button of the credential asks for the balance, and n8n sends that.',
	},
	delete: { unused: 'The node deletes nothing.' },
};
