import { createHash } from 'node:crypto';

import type { IExecuteFunctions } from 'n8n-workflow';

import { fail } from '../../wavespeed/failures';
import type { MediaKind } from '../../wavespeed/media/formats';
import {
	detectFormat,
	kindByContent,
	MAX_UPLOAD_BYTES,
	type MediaFormat,
} from '../../wavespeed/media/detectFormat';
import { LENGTH_HEAD_BYTES, readAudioSeconds } from '../../wavespeed/media/audioLength';
import type { ParameterReader } from './parameters';
import { rethrowFailure, type Storage } from './storage';
import type { InspectedFile, Media } from '../../batch/request';
import { settle } from '../../async/settle';
import { checkKind, findFile, refuseFile, type Wanted } from './findFile';
import { failUnreadable, type ItemFile, toBuffer } from './itemFiles';
import { readWebAddress } from './webAddress';

/** Finds a row's picture or sound and checks what can be checked without reading the whole file. */
export type MediaReader = (
	parameters: ParameterReader,
	row: number,
	kind: MediaKind,
) => Promise<Media>;

const SOURCE_LABELS = { image: 'Image Source', audio: 'Audio Source' } as const;

/**
 * Rows that share a file read it once: n8n gives the same stored file the same ID. `noteSeconds` hears how long a row's
 * recording is, where its file tells.
 */
export function createMediaReader(
	ctx: IExecuteFunctions,
	storage: Storage,
	noteSeconds: (row: number, seconds: number) => void,
): MediaReader {
	const inspected = new Map<string, Promise<InspectedFile>>();
	return async (parameters, row, kind) => {
		const sources = ['binary', 'url'] as const;
		if (parameters.choice(`${kind}Source`, SOURCE_LABELS[kind], sources) === 'url') {
			return { kind: 'url', url: readWebAddress(parameters, kind) };
		}
		const wanted = { ctx, storage, parameters, row, kind };
		const file = await findFile(wanted);
		const { binary, field } = file;
		checkByteCount(field, await byteCountOf(storage, file));
		await checkKind(wanted, file);
		const inspect = async (): Promise<InspectedFile> => await inspectFile(wanted, file);
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

export function checkByteCount(field: string, byteCount: number): void {
	if (byteCount === 0) {
		fail('invalidInput', 'fileEmpty', { field });
	}
	if (byteCount > MAX_UPLOAD_BYTES) {
		const limitMegabytes = MAX_UPLOAD_BYTES / 1024 ** 2;
		fail('invalidInput', 'fileTooLarge', { field, byteCount, limitMegabytes });
	}
}

/** A stored file's data field only names the storage; its size is in the metadata. */
async function byteCountOf(storage: Storage, { binary, field }: ItemFile): Promise<number> {
	if (!binary.id) return toBuffer(binary).length;
	const told = await settle(storage.byteCountOf(binary.id, field));
	if (told.ok) return told.value;
	rethrowFailure(told.error);
	return failUnreadable(binary.fileName ?? 'without a name');
}

/** Reads the file once, for its hash, its true size and its first bytes. */
async function inspectFile(wanted: Wanted, file: ItemFile): Promise<InspectedFile> {
	const { storage, kind } = wanted;
	const { binary, field } = file;
	const { id } = binary;
	const open = async (): Promise<NodeJS.ReadableStream | Buffer> =>
		id ? await storage.open(id, field) : toBuffer(binary);
	const read = await settle(readThrough(open));
	if (!read.ok) rethrowFailure(read.error);
	if (!read.ok) failUnreadable(field);
	const { sha256, byteCount, head } = read.value;
	const audioSeconds = kind === 'audio' ? readAudioSeconds(head, byteCount) : undefined;
	checkByteCount(field, byteCount);
	const format = detectFormat(kind, binary, head);
	if (!format) return await refuseFile(wanted, { ...file, kind: kindByContent(head) });
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
