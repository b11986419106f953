import { shorten } from '../../../text';
import { formatNames } from '../../../wavespeed/media/detectFormat';
import type { FileKind } from '../../../wavespeed/media/detectFormat';
import type { MediaKind } from '../../../wavespeed/media/formats';
import type { FileSearch, NamedFile, NoFile } from '../failureFacts';
import { join, type Message, type Messages } from './message';

const EXAMPLE = '{{ $("Name of the node").item.binary.data }}';
const MAX_NAME_CHARS = 60;

/** What people enter in the place of a file, with the sentence that leads out of it. */
export const FILE_MESSAGES: Messages<
	| 'textAroundExpression'
	| 'expressionAsText'
	| 'expressionGoesTooFar'
	| 'contentAsName'
	| 'addressAsName'
	| 'expressionGivesNothing'
	| 'expressionGivesNoFile'
	| 'noFileInField'
	| 'noFileOfKind'
	| 'severalFiles'
	| 'fileOfWrongKind'
	| 'fileUnreadable'
	| 'storageStopped'
	| 'fileEmpty'
	| 'fileTooLarge'
> = {
	textAroundExpression: ({ label }) => ({
		message: `"${label}" has a space or other text around its expression`,
		advice:
			'Delete everything before {{ and after }}, so that the field holds the expression alone.',
	}),
	expressionAsText: ({ label, given }) => ({
		message: `"${label}" holds an expression that n8n reads as text: ${shorten(given, MAX_NAME_CHARS)}`,
		advice: `Switch the field to "Expression" and enter it without a leading equals sign, such as ${EXAMPLE}`,
	}),
	expressionGoesTooFar: ({ label, given }) => ({
		message: `The expression in "${label}" goes one step too far: it gives "${given}", where n8n keeps the file`,
		advice: `Take the file itself and leave out the last ".data", such as ${EXAMPLE}`,
	}),
	contentAsName: ({ label }) => ({
		message: `"${label}" holds the content of a file as text (base64) and not the name of a field`,
		advice:
			'Put a Convert to File node before this one (operation "Move Base64 String to File"), and leave this field empty. If it comes from an expression that ends in ".data.data", leave out the last ".data" instead.',
	}),
	addressAsName: ({ label }) => ({
		message: `"${label}" holds a web address and not the name of a field`,
		advice: 'Choose "URL" as the source, and enter the address there.',
	}),
	expressionGivesNothing: ({ label }) => ({
		message: `The expression in "${label}" gives nothing`,
		advice:
			'Check the names in it: of the node, and of the field after ".binary". To take the file of this item, leave the field empty.',
	}),
	expressionGivesNoFile: ({ label, ...noFile }) => ({
		message: `The expression in "${label}" doesn't give a file`,
		advice: adviseFile(noFile),
	}),
	noFileInField: ({ field, search }) => ({
		message: `There is no file in the field "${shorten(field, MAX_NAME_CHARS)}" ("${search.label}")`,
		advice: adviseOtherFile(search),
	}),
	noFileOfKind: ({ search }) => ({
		// Not that the field is empty: that is right, and whoever reads it here fills it in.
		message: `There is no ${NOUNS[search.kind]} in this item`,
		advice: adviseMissing(search),
	}),
	severalFiles: ({ search: { kind, label, candidates } }) => ({
		message: `This item has ${candidates.length} ${NOUNS[kind]}s`,
		advice: `Enter the name of one in "${label}": ${nameFiles(candidates)}.`,
	}),
	fileOfWrongKind: ({ file, isShared, search }): Message => ({
		message: `The file in "${shorten(file.field, MAX_NAME_CHARS)}" is not ${THINGS[search.kind]} that WaveSpeed takes: it ${describeWrongKind(file)}`,
		advice: join(
			isShared &&
				`Both fields mean the file in "${shorten(file.field, MAX_NAME_CHARS)}". If two files had this name, only one of them is left: give them different names before they are merged.`,
			adviseConversion(search.kind, [file]) ?? adviseOtherFile(search),
		),
	}),
	fileUnreadable: ({ field }) => ({
		message: `The file in "${field}" can't be read from n8n's storage`,
		advice: 'It may have been deleted meanwhile. Run the node that makes it again.',
	}),
	storageStopped: ({ field }) => ({
		message: `The file in "${field}" can't be read: n8n's storage has delivered nothing of it for 50 seconds`,
		advice: 'Look whether the place is reached where n8n keeps its files, and run the row again.',
	}),
	fileEmpty: ({ field }) => ({
		message: `The file in "${field}" is empty`,
		advice: 'Check the node that makes it.',
	}),
	fileTooLarge: ({ field, byteCount, limitMegabytes }) => ({
		message: `The file in "${field}" has ${Math.ceil(byteCount / 1024 / 1024)} MB, more than the ${limitMegabytes} MB that can be uploaded`,
		advice: 'Make it smaller, or put it on a public web address and choose "URL" as its source.',
	}),
};

const NOUNS: Record<MediaKind, string> = { image: 'picture', audio: 'recording' };
const THINGS: Record<MediaKind, string> = { image: 'a picture', audio: 'a sound file' };

function adviseFile(noFile: NoFile): string {
	switch (noFile.gives) {
		case 'list':
			return `It gives a list: take one file of it, such as ${EXAMPLE}`;
		case 'item':
			return `It gives a whole item: go on with .binary.data, such as ${EXAMPLE}`;
		case 'files':
			return `It gives all files of an item: add .${shorten(noFile.field, MAX_NAME_CHARS)} at its end to take this one.`;
		case 'other':
			return `Enter one that does, such as ${EXAMPLE}, or leave the field empty.`;
	}
}

/** Names only files of the kind that is wanted: any other leads into the next error. */
function adviseOtherFile(search: FileSearch): string {
	const { kind, label, candidates } = search;
	if (candidates.length === 0) return adviseMissing(search);
	if (candidates.length > 1) {
		return `The ${NOUNS[kind]}s of this item are ${nameFiles(candidates)}: enter the name of one in "${label}".`;
	}
	return `The ${NOUNS[kind]} of this item is ${nameFiles(candidates)}: enter this name in "${label}", or leave the field empty.`;
}

function adviseMissing({ kind, label, files, isTool }: FileSearch): string {
	if (files.length === 0) {
		return isTool
			? 'An AI agent hands no files to its tools: choose "URL" as the source, for the picture and for the recording.'
			: join(
					'This item has no files: check the node before, whose output must have a "Binary" tab with the file. Many nodes, such as Edit Fields, drop the files of the item.',
					adviseExpression(label),
					'Is it a web address in a column? Then choose "URL" as the source.',
				);
	}
	return join(
		`This item has only ${nameFiles(files)}.`,
		adviseConversion(kind, files),
		'Picture and recording must be in one item: use a Merge node (Mode: Combine, Combine By: Position) and give the two files different field names before it, such as image and audio; of two files with one name Merge keeps only one.',
		adviseExpression(label),
	);
}

const adviseExpression = (label: string): string =>
	`To take the file of an earlier node, enter an expression in "${label}": ${EXAMPLE}`;

/** What to do with a file that has to become another one first. */
function adviseConversion(kind: MediaKind, files: NamedFile[]): string | undefined {
	const kinds = files.map((file) => file.kind);
	if (kinds.includes('video')) {
		return kind === 'audio'
			? 'Extract the sound of the video first, with FFmpeg or a conversion service, and hand over an MP3 or WAV file.'
			: 'Take a single picture of the video, and hand it over as a JPG or PNG file.';
	}
	if (kinds.includes('webPage')) {
		return 'Open the address that was downloaded: it gives a page and not the file itself.';
	}
	if (kinds.includes('other') || kinds.includes(undefined)) {
		return `Supply one of: ${formatNames(kind)}.`;
	}
	return undefined;
}

const KIND_NAMES: Record<FileKind, string> = {
	image: 'a picture',
	audio: 'a recording',
	video: 'a video',
	webPage: 'a web page',
	other: 'another kind of file',
};

const MOST_FILES_NAMED = 10;

/** `"data" (a recording, speech.mp3)`, so that a person sees which file is which. */
function nameFiles(files: NamedFile[]): string {
	const named = files.slice(0, MOST_FILES_NAMED).map(({ field, kind, name }) => {
		const what = kind === undefined ? 'a file of unknown kind' : KIND_NAMES[kind];
		const label = name ? `${what}, ${shorten(name, MAX_NAME_CHARS)}` : what;
		return `"${shorten(field, MAX_NAME_CHARS)}" (${label})`;
	});
	const rest = files.length - named.length;
	return rest > 0 ? `${named.join(', ')} and ${rest} more` : named.join(', ');
}

/** Ends the sentence "it …" of a file that is not of the kind that is wanted. */
function describeWrongKind({ kind, mimeType }: NamedFile): string {
	if (kind === 'webPage') {
		return 'holds a web page, probably the error message of a failed download';
	}
	if (kind === 'other' && mimeType !== '') return `is of type ${shorten(mimeType, MAX_NAME_CHARS)}`;
	return kind === undefined ? 'has unknown content' : `is ${KIND_NAMES[kind]}`;
}
