import type { FileSearch, Site } from '../../nodes/shared/n8n/errors/failureFacts';
import {
	type Failure,
	type FailureFacts,
	type FailureKind,
	type FailureReason,
	makeFailure,
	type Paid,
} from '../../nodes/shared/wavespeed/failures';

/** An example of each reason, and of each variant of its words: docs/errors.md is what the node would say of them. */

const said = "‹the service's words›";
const taskId = '‹task ID›';
const field = '‹field›';
const label = '‹parameter›';
const given = '‹value›';
const url = '‹URL›';

const picture = { field: 'photo', kind: 'image', name: 'me.jpg', mimeType: 'image/jpeg' } as const;
const voice = { field: 'data', kind: 'audio', name: 'me.mp3', mimeType: 'audio/mpeg' } as const;
const video = { field: 'clip', kind: 'video', name: 'a.mp4', mimeType: 'video/mp4' } as const;

const search = (more: Partial<FileSearch> = {}): FileSearch => ({
	...{ kind: 'image', label: 'Image Input Data Field Name', isTool: false },
	...{ files: [voice], candidates: [], ...more },
});

const SITES: Record<Site, true> = {
	...{ 'Google Drive': true, 'Google Docs': true, 'Google Photos': true, Dropbox: true },
	...{ OneDrive: true, SharePoint: true, Box: true, iCloud: true, WeTransfer: true, MEGA: true },
	...{ YouTube: true, Vimeo: true, Instagram: true, TikTok: true, Facebook: true, X: true },
	...{ SoundCloud: true, Spotify: true, Loom: true, GitHub: true },
};

const purpose = { action: 'readTask' } as const;
const cause: Failure = makeFailure('unavailable', 'noUsableAnswer', { purpose, said });
const notFound: Failure = makeFailure('refused', 'taskNotFound', { said }, { httpStatus: 404 });

const failed = (more: Partial<FailureFacts['taskFailed']> = {}): FailureFacts['taskFailed'] => ({
	...{ status: 'failed', failureReason: said, errorCode: null },
	...{ isPermanent: false, origin: 'thisAttempt', ...more },
});

const FAILED_TASKS = (['thisAttempt', 'earlierAttempt', 'parked', 'given'] as const).flatMap(
	(origin) => [
		failed({ origin }),
		failed({ origin, isPermanent: true }),
		failed({ origin, errorCode: 1200 }),
		failed({ origin, errorCode: 1402 }),
		failed({ origin, status: 'deleted' }),
		failed({ origin, status: 'cancelled' }),
	],
);

type Examples = {
	/** What is paid, where it doesn't follow from the kind. A failure behind another gives it its own kind. */
	[Reason in FailureReason]: [FailureKind, FailureFacts[Reason][], Paid?];
};

const number = { what: 'number', min: 0 } as const;

/** In the order in which a row can meet them. */
export const EXAMPLES: Examples = {
	resourceUnknown: ['invalidInput', [{ resources: ['video', 'task', 'account'] }]],
	operationUnknown: ['invalidInput', [{ resource: 'video', operations: ['generate', 'quote'] }]],
	wrongValue: [
		'invalidInput',
		[
			{ label, isOption: false, wanted: { what: 'text' }, given: {} },
			{ label, isOption: false, wanted: { what: 'flag' }, given },
			{ label, isOption: true, wanted: { what: 'flag' }, given },
			{ label, isOption: false, wanted: { what: 'choice', choices: ['480p', '720p'] }, given },
			{ label, isOption: true, wanted: { ...number, isWhole: false, max: Infinity }, given: '' },
			{ label, isOption: false, wanted: { ...number, isWhole: true, max: 100 }, given },
			{ label: 'Options', isOption: false, wanted: { what: 'options' }, given: [] },
		],
	],
	notADate: ['invalidInput', [{ label }]],
	webhookUrlWrong: ['invalidInput', [{ given }]],
	taskIdWrong: [
		'invalidInput',
		[
			{ label, given: '' },
			{ label, given },
		],
	],
	addressIsContent: ['invalidInput', [{ label, kind: 'image' }]],
	addressWrong: [
		'invalidInput',
		[
			{ label, kind: 'image', given: '' },
			{ label, kind: 'image', given },
		],
	],
	addressIsPage: [
		'invalidInput',
		Object.keys(SITES).map((site) => ({ label, site: site as Site })),
	],
	textAroundExpression: ['invalidInput', [{ label }]],
	expressionAsText: ['invalidInput', [{ label, given }]],
	expressionGoesTooFar: ['invalidInput', [{ label, given: 'filesystem-v2' }]],
	contentAsName: ['invalidInput', [{ label }]],
	addressAsName: ['invalidInput', [{ label }]],
	expressionGivesNothing: ['invalidInput', [{ label }]],
	expressionGivesNoFile: [
		'invalidInput',
		[
			{ label, gives: 'list' },
			{ label, gives: 'item' },
			{ label, gives: 'files', field: 'photo' },
			{ label, gives: 'other' },
		],
	],
	noFileInField: [
		'invalidInput',
		[
			{ field, search: search({ files: [picture], candidates: [picture] }) },
			{ field, search: search({ candidates: [picture, { ...picture, field: 'logo' }] }) },
			{ field, search: search() },
		],
	],
	noFileOfKind: [
		'invalidInput',
		[
			{ search: search({ files: [] }) },
			{ search: search({ files: [], isTool: true }) },
			{ search: search() },
			{ search: search({ files: [video] }) },
		],
	],
	severalFiles: [
		'invalidInput',
		[{ search: search({ candidates: [picture, { ...picture, field: 'logo' }] }) }],
	],
	fileOfWrongKind: [
		'invalidInput',
		[
			{ file: voice, isShared: false, search: search() },
			{ file: voice, isShared: true, search: search() },
			{ file: video, isShared: false, search: search() },
			{ file: { ...video, kind: 'webPage' }, isShared: false, search: search() },
			{ file: { ...video, kind: undefined }, isShared: false, search: search() },
		],
	],
	fileUnreadable: ['invalidInput', [{ field }]],
	storageStopped: ['unavailable', [{ field }]],
	fileEmpty: ['invalidInput', [{ field }]],
	fileTooLarge: ['invalidInput', [{ field, byteCount: 300 * 1024 ** 2, limitMegabytes: 200 }]],
	badExpression: [
		'invalidInput',
		[{ parameter: '‹parameter›', said: "‹n8n's words›", where: '‹node›', why: '' }],
	],
	unexpected: ['invalidInput', [{ text: "‹n8n's words›" }]],
	keyMalformed: ['credential', [{}]],
	baseUrlWrong: ['credential', [{ given }]],
	credentialOutOfReach: ['credential', [{ said: "‹n8n's words›" }], 'told'],
	keyRefused: ['credential', [{ said }]],
	keyNotAllowed: ['credential', [403].map((status) => ({ said, status }))],
	aboveCostPerVideo: ['costLimit', [{ costUsd: 0.9, limitUsd: 0.5 }]],
	aboveCostPerRun: [
		'costLimit',
		[{ costUsd: 0.9, limitUsd: 5, spentUsd: 4.5 }],
		'nothingForThisRow',
	],
	earlierPriceUnknown: ['costLimit', [{ row: 0, cause }], 'nothingForThisRow'],
	requestRefused: [
		'refused',
		[
			...[400, 404, 302, 429].map((status) => ({ purpose, said, status })),
			{ purpose, said: 'insufficient_credits', status: 402 },
		],
	],
	taskNotFound: ['refused', [{ said }]],
	uploadMethodUnknown: ['refused', [{ field, method: 'POST' }]],
	secretRefused: ['refused', [{ said }], 'told'],
	submitsRefused: ['rateLimited', [{ refusedForMs: 60 * 60_000, said }]],
	noUsableAnswer: ['unavailable', [{ purpose, said }]],
	uploadNotUnique: ['unavailable', [{}]],
	uploadFailed: ['unavailable', [{ field, said }]],
	submitNotSent: ['unavailable', [{ said }]],
	submitsHeldBack: ['unavailable', [{ said }]],
	listUnreadable: ['refused', [{}]],
	listHasNoEnd: ['unavailable', [{}]],
	secretUnderWay: ['unavailable', [{}]],
	secretTooSlow: ['unavailable', [{}]],
	noTaskOfSubmit: ['submitUnknown', [{ said }]],
	submittedWithOtherKey: ['submitUnknown', [{}]],
	severalTasksOfSubmit: ['submitUnknown', [{ said, taskIds: [taskId, taskId] }]],
	taskOfSubmitNotSearched: ['submitUnknown', [{ said, cause }]],
	taskOutOfSight: ['waitTimedOut', [{ cause }, { cause: notFound }]],
	taskNotRead: ['waitTimedOut', [{ cause }]],
	waitTimedOut: [
		'waitTimedOut',
		[
			{ status: 'processing', waitedMs: 60 * 60_000 },
			{ status: 'succeeded', waitedMs: 60 * 60_000, videoUrl: url },
		],
	],
	taskOfOtherModel: ['invalidInput', [{ model: 'wavespeed-ai/flux-dev' }]],
	taskFailed: ['taskFailed', FAILED_TASKS],
	taskWithoutVideo: ['taskFailed', [{}]],
	tasksUnreadable: ['unavailable', [{ forMs: 5 * 60_000, said }]],
	taskStillRuns: ['invalidInput', [{ status: 'processing' }], 'told'],
	downloadFailed: [
		'downloadFailed',
		[
			{ url, said },
			{ url, said, isStorageSilent: true },
		],
	],
	downloadOutOfTime: ['downloadFailed', [{}]],
	stopped: ['stopped', [{}]],
	abandoned: ['abandoned', [{}]],
	parked: ['parked', [{}]],
};
