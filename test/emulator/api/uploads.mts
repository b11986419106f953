import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import '@fastify/multipart';
import type { FastifyInstance } from 'fastify';
import { isRecord, refusal, success } from '../answers.mts';
import { addRoute, type Exchange } from '../exchange.mts';
import { isTooLarge, storeStream } from '../files.mts';
import { kindOfUpload, typeOfName, type MediaKind } from '../mediaTypes.mts';
import { API_PATH, OLD_API_PATH } from '../predictions.mts';
import { newId, type StoredFile, type World } from '../state.mts';
import type { UploadRecord } from '../types.mts';

/** Life of the signed URL; the docs give `expires_at` but no figure. */
const TICKET_LIFE_MS = 15 * 60_000;
const TICKET_LIMIT_BYTES = 200 * 2 ** 20;
/** WaveSpeedAI docs, Media Upload: "> 300 MB: use a URL input". */
const MULTIPART_LIMIT_BYTES = 300 * 2 ** 20;

/** The two ways to upload (WaveSpeedAI docs, Upload Files API and Media Upload). */
export function addUploads(app: FastifyInstance, world: World): void {
	addRoute(app, world, {
		method: 'POST',
		url: `${API_PATH}/media/uploads`,
		step: 'ticket',
		answer: ({ request }) => {
			const off = world.options.ticketUploads ?? true;
			if (off !== true) throw refusal(off === false ? 404 : off, 'not available');
			return success(issueTicket(world, request.body));
		},
	});

	for (const api of [API_PATH, OLD_API_PATH]) {
		addRoute(app, world, {
			method: 'POST',
			url: `${api}/media/upload/binary`,
			step: 'multipart',
			streams: true,
			answer: async (exchange) => success(await receiveMultipart(world, exchange)),
		});
	}
}

/** Makes a stored file public for 7 days. */
export function publish(
	world: World,
	file: StoredFile,
	urlPath: string,
	filename: string,
	via: UploadRecord['via'],
): void {
	world.uploads.set(urlPath, { ...file, urlPath, createdAt: world.clock.now() });
	const { contentType, bytes, sha256 } = file;
	const url = `${world.mediaUrl}${urlPath}`;
	world.uploadRecords.push({ url, filename, contentType, bytes, sha256, via });
}

/** A file as if a client had uploaded it; returns its URL. */
export async function addUpload(
	world: World,
	filename: string,
	contentType: string,
	bytes: Buffer,
): Promise<string> {
	checkKind(contentType, filename);
	const file = await storeStream(world, Readable.from([bytes]), contentType, TICKET_LIMIT_BYTES);
	const urlPath = newUrlPath(filename);
	publish(world, file, urlPath, filename, 'ticket');
	return `${world.mediaUrl}${urlPath}`;
}

function issueTicket(world: World, body: unknown) {
	if (!isRecord(body)) throw refusal(400, 'the body must be a JSON object');
	const { filename, size, content_type: contentType } = body;
	if (typeof filename !== 'string' || filename === '') throw refusal(400, 'filename is required');
	// The vendor's SDKs leave it out on purpose where they can't tell the type.
	const isNamed = contentType !== undefined && contentType !== '';
	if (isNamed && typeof contentType !== 'string') {
		throw refusal(400, 'content_type must be a string');
	}
	if (typeof size !== 'number' || !Number.isInteger(size) || size < 1) {
		throw refusal(400, 'size must be a positive integer');
	}
	if (size > (world.options.maxUploadBytes ?? TICKET_LIMIT_BYTES)) {
		throw refusal(413, 'file too large');
	}
	const type = checkKind(isNamed ? contentType : '', filename);
	const headers = world.options.ticketHeaders ?? {
		...(isNamed && { 'Content-Type': contentType }),
		'If-None-Match': '*',
	};
	const ticket = {
		id: newId(),
		signature: randomBytes(32).toString('hex'),
		filename,
		size,
		contentType: isNamed ? contentType : typeOfName(filename),
		headers: Object.fromEntries(
			Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
		),
		urlPath: newUrlPath(filename),
		expiresAt: world.clock.now() + TICKET_LIFE_MS,
		stored: false,
	};
	world.tickets.set(ticket.id, ticket);
	const query = new URLSearchParams({
		'X-Expires': String(Math.floor(ticket.expiresAt / 1000)),
		'X-Signature': ticket.signature,
	});
	return {
		type,
		download_url: `${world.mediaUrl}${ticket.urlPath}`,
		filename,
		size,
		upload: {
			method: 'PUT',
			url: `${world.mediaUrl}/signed/${ticket.id}?${query.toString()}`,
			headers,
			expires_at: new Date(ticket.expiresAt).toISOString(),
		},
	};
}

async function receiveMultipart(world: World, { request, record }: Exchange) {
	if (!request.isMultipart()) throw refusal(400, 'the body must be multipart/form-data');
	const part = await request.file();
	if (!part) throw refusal(400, 'field "file" is required');
	const { filename, mimetype } = part;
	if (part.fieldname !== 'file') {
		part.file.resume();
		throw refusal(400, 'field "file" is required');
	}
	const limit = world.options.maxUploadBytes ?? MULTIPART_LIMIT_BYTES;
	try {
		const file = await storeStream(world, part.file, mimetype, limit);
		record.body = { bytes: file.bytes, sha256: file.sha256 };
		if (file.bytes === 0) throw refusal(400, 'the file is empty');
		const type = checkKind(mimetype, filename);
		const urlPath = newUrlPath(filename);
		publish(world, file, urlPath, filename, 'multipart');
		const url = `${world.mediaUrl}${urlPath}`;
		return { type, download_url: url, filename, size: file.bytes };
	} catch (error) {
		if (isTooLarge(error)) throw refusal(413, 'file too large');
		throw error;
	}
}

function checkKind(contentType: string, filename: string): MediaKind {
	const kind = kindOfUpload(contentType, filename);
	if (!kind) throw refusal(400, `unsupported file type: ${contentType}`);
	return kind;
}

function newUrlPath(filename: string): string {
	const name = basename(filename.replaceAll('\\', '/')).replace(/[^\w.-]+/g, '_');
	return `/media/${newId()}/${name || 'file'}`;
}
