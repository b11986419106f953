import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';

import { settle } from '../../async/settle';
import { isRecord } from '../../json';
import { shorten } from '../../text';
import { fail } from '../../wavespeed/failures';
import { closeStream } from '../../wavespeed/media/streams';
import {
	detectFormat,
	type FileKind,
	HEAD_BYTES,
	kindByContent,
	kindByLabel,
	typeOf,
} from '../../wavespeed/media/detectFormat';
import { readWorkflowSettings } from '../session/workflowSettings';

/** A file of an item, with what it is; undefined: neither its label nor its first bytes tell. */
export interface ItemFile {
	/** The name of its field, or the label of the parameter whose expression gives it. */
	field: string;
	binary: IBinaryData;
	kind: FileKind | undefined;
}

/** An expression can give any object in the place of a file. `$node["…"].binary` gives files without their `data`. */
export const isBinary = (value: unknown): value is IBinaryData =>
	isRecord(value) &&
	(typeof value.data === 'string' || (typeof value.id === 'string' && value.id !== '')) &&
	[value.data, value.mimeType, value.fileName, value.id].every(isTextOrUnset);

const isTextOrUnset = (value: unknown): boolean =>
	value === undefined || value === null || typeof value === 'string';

/** In the order of the item, told by their labels. A workflow can keep its files in the json (`binaryMode: combined`). */
export function listFiles(ctx: IExecuteFunctions, row: number): ItemFile[] {
	const { json, binary } = ctx.getInputData()[row] ?? {};
	const isCombined = readWorkflowSettings(ctx).binaryMode === 'combined';
	return Object.entries((isCombined ? json : binary) ?? {}).flatMap(([field, value]) =>
		isBinary(value) && (!isCombined || 'mimeType' in value)
			? [{ field, binary: value, kind: kindByLabel(value) }]
			: [],
	);
}

/** The same file, told by its first bytes, else by its label. */
export async function lookInside(ctx: IExecuteFunctions, file: ItemFile): Promise<ItemFile> {
	const head = await readHead(ctx, file);
	const { kind, binary } = file;
	const isAsLabelled =
		(kind === 'image' || kind === 'audio') && detectFormat(kind, binary, head) !== undefined;
	return isAsLabelled ? file : { ...file, kind: kindByContent(head) ?? kind };
}

async function readHead(ctx: IExecuteFunctions, { binary, field }: ItemFile): Promise<Buffer> {
	if (!binary.id) return toBuffer(binary).subarray(0, HEAD_BYTES);
	const read = await settle(readStart(ctx, binary.id));
	return read.ok ? read.value : failUnreadable(field);
}

async function readStart(ctx: IExecuteFunctions, id: string): Promise<Buffer> {
	const stream = await ctx.helpers.getBinaryStream(id);
	const parts: Buffer[] = [];
	let byteCount = 0;
	for await (const part of stream) {
		const chunk = Buffer.isBuffer(part) ? part : Buffer.from(part);
		parts.push(chunk);
		byteCount += chunk.length;
		if (byteCount >= HEAD_BYTES) break;
	}
	closeStream(stream);
	return Buffer.concat(parts).subarray(0, HEAD_BYTES);
}

export const toBuffer = (binary: IBinaryData): Buffer => Buffer.from(binary.data, 'base64');

export function failUnreadable(field: string): never {
	return fail(
		'invalidInput',
		`The file in "${field}" can't be read from n8n's storage`,
		`It may have been deleted meanwhile. Run the node that makes it again.`,
	);
}

const KIND_NAMES: Record<FileKind, string> = {
	image: 'a picture',
	audio: 'a recording',
	video: 'a video',
	webPage: 'a web page',
	other: 'another kind of file',
};

const MOST_FILES_NAMED = 10;
const MAX_NAME_CHARS = 60;

/** `"data" (a recording, speech.mp3)`, so that a person sees which file is which. */
export function nameFiles(files: ItemFile[]): string {
	const named = files.slice(0, MOST_FILES_NAMED).map((file) => {
		const { field, binary, kind } = file;
		const what = kind === undefined ? 'a file of unknown kind' : KIND_NAMES[kind];
		const name = binary.fileName || typeOf(binary);
		const label = name ? `${what}, ${shorten(name, MAX_NAME_CHARS)}` : what;
		return `"${shorten(field, MAX_NAME_CHARS)}" (${label})`;
	});
	const rest = files.length - named.length;
	return rest > 0 ? `${named.join(', ')} and ${rest} more` : named.join(', ');
}

/** Ends the sentence "it …" of a file that is not of the kind that is wanted. */
export function describeWrongKind({ binary, kind }: ItemFile): string {
	if (kind === 'webPage') {
		return 'holds a web page, probably the error message of a failed download';
	}
	const type = typeOf(binary);
	if (kind === 'other' && type !== '') return `is of type ${shorten(type, MAX_NAME_CHARS)}`;
	return kind === undefined ? 'has unknown content' : `is ${KIND_NAMES[kind]}`;
}
