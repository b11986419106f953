import { createHash } from 'node:crypto';

import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';

import { fail } from '../../wavespeed/failures';
import type { MediaKind } from '../../wavespeed/media/formats';
import {
	checkByteCount,
	detectByContent,
	detectByName,
	type MediaFormat,
	refuseErrorPage,
} from '../../wavespeed/media/detectFormat';
import { LENGTH_HEAD_BYTES, readAudioSeconds } from '../../wavespeed/media/audioLength';
import type { ParameterReader } from './parameters';
import type { InspectedFile, Media } from '../../batch/request';
import { isRecord } from '../../json';
import { shorten } from '../../text';
import { settle } from '../../async/settle';

/** Finds a row's picture or sound and checks what can be checked without reading the whole file. */
export type MediaReader = (
	parameters: ParameterReader,
	row: number,
	kind: MediaKind,
) => Promise<Media>;

const LABELS = { image: 'Image', audio: 'Audio' } as const;

/**
 * Rows that share a file read it once: n8n gives the same stored file the same ID. `noteSeconds` hears how long a row's
 * recording is, where its file tells.
 */
export function createMediaReader(
	ctx: IExecuteFunctions,
	noteSeconds: (row: number, seconds: number) => void,
): MediaReader {
	const inspected = new Map<string, Promise<InspectedFile>>();
	return async (parameters, row, kind) => {
		const label = LABELS[kind];
		const source = parameters.choice(`${kind}Source`, `${label} Source`, [
			'binary',
			'url',
		] as const);
		if (source === 'url') {
			return { kind: 'url', url: checkUrl(parameters.text(`${kind}Url`, `${label} URL`), label) };
		}
		const value = parameters.raw(`${kind}BinaryPropertyName`);
		const { binary, field } = findBinary(ctx, row, value, `${label} Input Data Field Name`);
		const format = detectByName(kind, field, binary);
		checkByteCount(field, await byteCountOf(ctx, binary));
		const inspect = async (): Promise<InspectedFile> =>
			await inspectFile(ctx, binary, field, kind, format);
		const id = binary.id ? `${kind} ${binary.id} ${binary.mimeType} ${binary.fileName ?? ''}` : '';
		return {
			kind: 'file',
			field,
			async inspect() {
				const reading = (id === '' ? undefined : inspected.get(id)) ?? inspect();
				if (id !== '') inspected.set(id, reading);
				const file = await reading;
				if (file.audioSeconds !== undefined) noteSeconds(row, file.audioSeconds);
				return file;
			},
		};
	};
}

function checkUrl(text: string, label: string): string {
	const trimmed = text.trim();
	const url = URL.canParse(trimmed) ? new URL(trimmed) : undefined;
	if (url?.protocol === 'http:' || url?.protocol === 'https:') return trimmed;
	return fail(
		'invalidInput',
		trimmed === ''
			? `"${label} URL" is empty`
			: `"${label} URL" is not a web address: ${shorten(trimmed, 100)}`,
		`Enter a public address that starts with https:// or http://. For a file of the workflow choose "Binary File" as the ${label.toLowerCase()} source.`,
	);
}

function findBinary(
	ctx: IExecuteFunctions,
	row: number,
	value: unknown,
	label: string,
): { binary: IBinaryData; field: string } {
	const name = typeof value === 'string' ? value.trim() : value;
	if (name === '' || (typeof name !== 'string' && !isRecord(name))) {
		fail(
			'invalidInput',
			`"${label}" must be the name of a field that holds a file`,
			`Enter the name, such as "data", or an expression that gives the file of another node.`,
		);
	}
	const found: unknown = attempt(() =>
		ctx.helpers.assertBinaryData(row, name as string | IBinaryData),
	);
	if (!isBinary(found)) {
		const fields = Object.keys(ctx.getInputData()[row]?.binary ?? {});
		fail(
			'invalidInput',
			typeof name === 'string'
				? `There is no file in the field "${shorten(name, 60)}" ("${label}")`
				: `The expression in "${label}" doesn't give a file`,
			fields.length > 0
				? `Fields of this row that hold a file: ${fields.join(', ')}. Enter one of these names in "${label}".`
				: `This row has no files: check the node before, whose output must have a "Binary" tab with the file.`,
		);
	}
	return { binary: found, field: typeof name === 'string' ? name : label };
}

/** An expression can give any object in the place of a file. */
const isBinary = (value: unknown): value is IBinaryData =>
	isRecord(value) &&
	typeof value.data === 'string' &&
	[value.mimeType, value.fileName, value.id].every(isTextOrUnset);

const isTextOrUnset = (value: unknown): boolean =>
	value === undefined || value === null || typeof value === 'string';

function attempt<T>(work: () => T): T | undefined {
	try {
		return work();
	} catch {
		return undefined;
	}
}

const toBuffer = (binary: IBinaryData): Buffer => Buffer.from(binary.data, 'base64');

/** A stored file's data field only names the storage; its size is in the metadata. */
async function byteCountOf(ctx: IExecuteFunctions, binary: IBinaryData): Promise<number> {
	if (!binary.id) return toBuffer(binary).length;
	const metadata = await settle(ctx.helpers.getBinaryMetadata(binary.id));
	if (metadata.ok) return metadata.value.fileSize;
	return failUnreadable(binary.fileName ?? 'without a name');
}

/** Reads the file once, for its hash, its true size and its first bytes. */
async function inspectFile(
	ctx: IExecuteFunctions,
	binary: IBinaryData,
	field: string,
	kind: MediaKind,
	formatByName: MediaFormat | undefined,
): Promise<InspectedFile> {
	const { id } = binary;
	const open = async (): Promise<NodeJS.ReadableStream | Buffer> =>
		id ? await ctx.helpers.getBinaryStream(id) : toBuffer(binary);
	const read = await settle(readThrough(open));
	if (!read.ok) failUnreadable(field);
	const { sha256, byteCount, head } = read.value;
	const audioSeconds = kind === 'audio' ? readAudioSeconds(head, byteCount) : undefined;
	checkByteCount(field, byteCount);
	refuseErrorPage(kind, field, head);
	const format = formatByName ?? detectByContent(kind, field, head);
	const fileName = toFileName(binary.fileName, kind, format);
	return { fileName, contentType: format.contentType, byteCount, sha256, audioSeconds, open };
}

async function readThrough(
	open: () => Promise<NodeJS.ReadableStream | Buffer>,
): Promise<{ sha256: string; byteCount: number; head: Buffer }> {
	const source = await open();
	const hash = createHash('sha256');
	let byteCount = 0;
	let head = Buffer.alloc(0);
	for await (const part of Buffer.isBuffer(source) ? [source] : source) {
		const chunk = Buffer.isBuffer(part) ? part : Buffer.from(part);
		hash.update(chunk);
		byteCount += chunk.length;
		const missing = LENGTH_HEAD_BYTES - head.length;
		if (missing > 0) head = Buffer.concat([head, chunk.subarray(0, missing)]);
	}
	return { sha256: hash.digest('hex'), byteCount, head };
}

function failUnreadable(field: string): never {
	return fail(
		'invalidInput',
		`The file in "${field}" can't be read from n8n's storage`,
		`It may have been deleted meanwhile. Run the node that makes it again.`,
	);
}

const MAX_NAME_CHARS = 80;

/** A name that every file store takes, with the extension of the format: n8n calls MP3 files `.mpga`. */
function toFileName(name: string | undefined, kind: MediaKind, format: MediaFormat): string {
	const base = (name ?? '').split(/[\\/]/).at(-1) ?? '';
	const stem = base
		.replace(/\.[a-z0-9]{1,5}$/i, '')
		.replace(/[^\w-]+/g, '_')
		.slice(0, MAX_NAME_CHARS);
	return `${stem.replace(/^_+|_+$/g, '') || kind}.${format.extension}`;
}
