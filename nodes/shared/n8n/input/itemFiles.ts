import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';

import { settle } from '../../async/settle';
import { isRecord } from '../../json';
import { fail } from '../../wavespeed/failures';
import {
	detectFormat,
	type FileKind,
	HEAD_BYTES,
	kindByContent,
	kindByLabel,
	typeOf,
} from '../../wavespeed/media/detectFormat';
import type { NamedFile } from '../errors/failureFacts';
import { readWorkflowSettings } from '../session/workflowSettings';
import { rethrowFailure, type Storage } from './storage';

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
export async function lookInside(storage: Storage, file: ItemFile): Promise<ItemFile> {
	const head = await readHead(storage, file);
	const { kind, binary } = file;
	const isAsLabelled =
		(kind === 'image' || kind === 'audio') && detectFormat(kind, binary, head) !== undefined;
	return isAsLabelled ? file : { ...file, kind: kindByContent(head) ?? kind };
}

async function readHead(storage: Storage, { binary, field }: ItemFile): Promise<Buffer> {
	if (!binary.id) return toBuffer(binary).subarray(0, HEAD_BYTES);
	const read = await settle(storage.read(binary.id, field, readStart));
	if (read.ok) return read.value;
	rethrowFailure(read.error);
	return failUnreadable(field);
}

async function readStart(stream: NodeJS.ReadableStream): Promise<Buffer> {
	const parts: Buffer[] = [];
	let byteCount = 0;
	for await (const part of stream) {
		const chunk = Buffer.isBuffer(part) ? part : Buffer.from(part);
		parts.push(chunk);
		byteCount += chunk.length;
		if (byteCount >= HEAD_BYTES) break;
	}
	return Buffer.concat(parts).subarray(0, HEAD_BYTES);
}

export const toBuffer = (binary: IBinaryData): Buffer => Buffer.from(binary.data, 'base64');

export function failUnreadable(field: string): never {
	fail('invalidInput', 'fileUnreadable', { field });
}

/** As far as a message names it. */
export function toNamedFile({ field, binary, kind }: ItemFile): NamedFile {
	const mimeType = typeOf(binary);
	return { field, kind, name: binary.fileName || mimeType, mimeType };
}
