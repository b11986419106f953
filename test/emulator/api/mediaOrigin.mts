import type { FastifyInstance } from 'fastify';
import { storeFailure, storeRefusal, type Answer } from '../answers.mts';
import { addRoute, type Exchange } from '../exchange.mts';
import { isTooLarge, storeStream } from '../files.mts';
import { findUpload } from '../media.mts';
import { isKept } from '../predictions.mts';
import type { Ticket, World } from '../state.mts';
import { settle } from '../tasks.mts';
import { renderVideo } from '../video.mts';
import { publish } from './uploads.mts';

/**
 * The second origin. Uploads go to signed URLs and results come from public ones; neither takes the API key
 * (WaveSpeedAI docs, Upload Files API): a request that carries one is refused, so that a leak shows.
 */
export function addMediaOrigin(app: FastifyInstance, world: World): void {
	addRoute(app, world, {
		method: 'PUT',
		url: '/signed/:id',
		step: 'put',
		streams: true,
		answer: async (exchange) => receivePut(world, exchange),
	});

	addRoute(app, world, {
		method: ['GET', 'HEAD'],
		url: '/media/:folder/:name',
		step: 'download',
		answer: ({ request, record }) => {
			refuseAuthorization(request.headers.authorization);
			const upload = findUpload(world, record.path);
			if (!upload) throw storeRefusal(404, 'NoSuchKey', 'The specified key does not exist.');
			return { status: 200, file: upload.path, contentType: upload.contentType };
		},
	});

	addRoute(app, world, {
		method: ['GET', 'HEAD'],
		url: '/outputs/:id/:name',
		step: 'download',
		answer: async ({ request, record }) => {
			refuseAuthorization(request.headers.authorization);
			await settle(world);
			const url = `${world.mediaUrl}${record.path}`;
			const task = world.tasks.find(
				(one) => one.status === 'completed' && one.outputs.includes(url),
			);
			if (!task || !isKept(world, task)) {
				throw storeRefusal(404, 'NoSuchKey', 'The specified key does not exist.');
			}
			return { status: 200, file: await renderVideo(world, task), contentType: 'video/mp4' };
		},
	});
}

/** Object stores take one way of authentication at a time and answer 400 to two. */
function refuseAuthorization(authorization: string | undefined): void {
	if (authorization === undefined) return;
	throw storeRefusal(400, 'InvalidArgument', 'Only one auth mechanism allowed.');
}

async function receivePut(world: World, { request, record }: Exchange): Promise<Answer> {
	const ticket = checkPut(world, request.headers, record.path, record.query['X-Signature']);
	try {
		const file = await storeStream(world, request.raw, ticket.contentType, ticket.size);
		record.body = { bytes: file.bytes, sha256: file.sha256 };
		if (file.bytes !== ticket.size) return wrongSize(ticket);
		// Somebody else's PUT may have ended meanwhile.
		if (ticket.stored) return storeFailure(412, 'PreconditionFailed', 'The object exists already.');
		ticket.stored = true;
		publish(world, file, ticket.urlPath, ticket.filename, 'ticket');
		return { status: 200, text: '' };
	} catch (error) {
		if (isTooLarge(error)) return wrongSize(ticket);
		throw error;
	}
}

function checkPut(
	world: World,
	headers: Record<string, string | string[] | undefined>,
	path: string,
	signature: string | string[] | undefined,
): Ticket {
	refuseAuthorization(
		headers.authorization === undefined ? undefined : String(headers.authorization),
	);
	const ticket = world.tickets.get(path.replace('/signed/', ''));
	if (!ticket || ticket.signature !== signature) {
		throw storeRefusal(403, 'SignatureDoesNotMatch', 'The signature is wrong.');
	}
	if (world.clock.now() >= ticket.expiresAt) {
		throw storeRefusal(403, 'AccessDenied', 'Request has expired.');
	}
	const names = new Set(['content-type', 'if-none-match', ...Object.keys(ticket.headers)]);
	if ([...names].some((name) => headers[name] !== ticket.headers[name])) {
		throw storeRefusal(403, 'SignatureDoesNotMatch', 'The signed headers are missing or changed.');
	}
	if (headers['content-length'] === undefined) {
		throw storeRefusal(411, 'MissingContentLength', 'Content-Length is required.');
	}
	if (Number(headers['content-length']) !== ticket.size) {
		throw storeRefusal(400, 'EntitySize', `The ticket is for ${ticket.size} bytes.`);
	}
	if (ticket.stored) throw storeRefusal(412, 'PreconditionFailed', 'The object exists already.');
	return ticket;
}

function wrongSize(ticket: Ticket): Answer {
	return storeFailure(400, 'EntitySize', `The ticket is for ${ticket.size} bytes.`);
}
