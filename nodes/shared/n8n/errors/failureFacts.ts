import type { FileKind } from '../../wavespeed/media/detectFormat';
import type { MediaKind } from '../../wavespeed/media/formats';

declare module '../../wavespeed/failures' {
	interface FailureFacts extends InputFacts, TaskFacts {
		keyMalformed: object;
		baseUrlWrong: { given: string };
		/** While a run was parked. `cause`: our own words for what is wrong with it. */
		credentialOutOfReach: { said: string; cause?: Failure };
		/** The user's Stop. */
		stopped: object;
		/** Another row's failure has ended the run. */
		abandoned: object;
		parked: object;
		/** n8n's own error of an expression; `where` is the node that n8n names, `why` its own description. */
		badExpression: { parameter: string; said: string; where: string | undefined; why: string };
		/** Any other error of n8n's own. */
		unexpected: { text: string };
	}
}

/** What a value has to be. */
export type Wanted =
	| { what: 'text' | 'flag' | 'options' }
	| { what: 'choice'; choices: readonly string[] }
	| { what: 'number'; isWhole: boolean; min: number; max: number };

/** A file as it is named to people. */
export interface NamedFile {
	field: string;
	kind: FileKind | undefined;
	/** The file's name, or else its type. */
	name: string;
	mimeType: string;
}

/** Where a row's picture or recording was looked for. */
export interface FileSearch {
	kind: MediaKind;
	/** Of the parameter that names the file. */
	label: string;
	/** All files of the item. */
	files: NamedFile[];
	/** Those of the kind that is wanted. */
	candidates: NamedFile[];
	isTool: boolean;
}

/** What an expression gives in the place of a file. */
export type NoFile =
	| { gives: 'list' | 'item' | 'other' }
	/** The name of one of them. */
	| { gives: 'files'; field: string };

/** `label`: the parameter as the editor calls it. */
interface InputFacts {
	resourceUnknown: { resources: string[] };
	operationUnknown: { resource: string; operations: string[] };
	wrongValue: { label: string; isOption: boolean; wanted: Wanted; given: unknown };
	notADate: { label: string };
	webhookUrlWrong: { given: string };
	taskIdWrong: { label: string; given: string };

	addressIsContent: { label: string; kind: MediaKind };
	addressWrong: { label: string; kind: MediaKind; given: string };
	addressIsPage: { label: string; site: Site };

	textAroundExpression: { label: string };
	expressionAsText: { label: string; given: string };
	expressionGoesTooFar: { label: string; given: string };
	contentAsName: { label: string };
	addressAsName: { label: string };
	expressionGivesNothing: { label: string };
	expressionGivesNoFile: { label: string } & NoFile;

	noFileInField: { field: string; search: FileSearch };
	noFileOfKind: { search: FileSearch };
	severalFiles: { search: FileSearch };
	/** `isShared`: the other parameter names the same file. */
	fileOfWrongKind: { file: NamedFile; isShared: boolean; search: FileSearch };
	fileUnreadable: { field: string };
	/** In the middle of the file, or before it. */
	storageStopped: { field: string };
	fileEmpty: { field: string };
	fileTooLarge: { field: string; byteCount: number; limitMegabytes: number };
}

/** What is known of the way of a failed task to its row. */
export type TaskOrigin =
	/** Its ID was given, so this row never submits another one. */
	| 'given'
	/** Submitted by an earlier attempt: nothing was sent now. */
	| 'earlierAttempt'
	| 'thisAttempt'
	/** Submitted by a run that was parked: no retry submits it again. */
	| 'parked';

interface TaskFacts {
	taskStillRuns: { status: string };
	taskWithoutVideo: object;
	taskFailed: {
		status: string;
		failureReason: string;
		errorCode: number | null;
		/** The same inputs would fail again. */
		isPermanent: boolean;
		origin: TaskOrigin;
	};
	/** `isParked`: no retry downloads it again. `isStorageSilent`: n8n's storage has ended neither well nor badly. */
	downloadFailed: { url: string; said: string; isParked?: boolean; isStorageSilent?: boolean };
	downloadOutOfTime: object;
}

/** Sites whose links are those of pages. */
export type Site =
	| 'Google Drive'
	| 'Google Docs'
	| 'Google Photos'
	| 'Dropbox'
	| 'OneDrive'
	| 'SharePoint'
	| 'Box'
	| 'iCloud'
	| 'WeTransfer'
	| 'MEGA'
	| 'YouTube'
	| 'Vimeo'
	| 'Instagram'
	| 'TikTok'
	| 'Facebook'
	| 'X'
	| 'SoundCloud'
	| 'Spotify'
	| 'Loom'
	| 'GitHub';
