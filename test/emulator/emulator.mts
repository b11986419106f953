import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import multipart from '@fastify/multipart';
import Fastify, { type FastifyInstance } from 'fastify';
import { addAccount } from './api/account.mts';
import { addAdmin } from './api/admin.mts';
import { addMediaOrigin } from './api/mediaOrigin.mts';
import { addModels } from './api/models.mts';
import { addPredictions } from './api/predictions.mts';
import { addSubmit } from './api/submit.mts';
import { addUploads } from './api/uploads.mts';
import { refusal } from './answers.mts';
import { createControls } from './controls.mts';
import { recordRequests } from './exchange.mts';
import { createWorld, type World } from './state.mts';
import type { Emulator, EmulatorOptions } from './types.mts';

export * from './types.mts';

const HOST = '127.0.0.1';

/** Starts the API and the media origin. Nothing outside this machine can reach them. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
	const world = await createWorld(options);
	const api = await createApi(world);
	const media = createMedia(world);
	const close = () => closeAll(world, [api, media]);
	try {
		world.url = await start(api, options.port ?? 0);
		world.mediaUrl = await start(media, options.mediaPort ?? 0);
	} catch (error) {
		await close();
		throw error;
	}
	const setReachable = async (reachable: boolean) => {
		await Promise.all([
			listen(api, reachable, world.url),
			listen(media, reachable, world.mediaUrl),
		]);
	};
	return createControls(world, { close, setReachable });
}

async function createApi(world: World): Promise<FastifyInstance> {
	const app = Fastify({ forceCloseConnections: true, exposeHeadRoutes: false });
	recordRequests(app, world, 'api');
	await app.register(multipart, { limits: { fileSize: Infinity, files: 1 } });
	app.addHook('onRequest', async (request) => {
		if (!(request.raw.url ?? '').startsWith('/api/') || request.is404) return;
		const { authorization } = request.headers;
		const isKnown = world.apiKeys.some((key) => authorization === `Bearer ${key}`);
		if (!isKnown) throw refusal(401, 'invalid api key');
	});
	addSubmit(app, world);
	addPredictions(app, world);
	addAccount(app, world);
	addModels(app, world);
	addUploads(app, world);
	addAdmin(app, world);
	return app;
}

function createMedia(world: World): FastifyInstance {
	const app = Fastify({ forceCloseConnections: true, exposeHeadRoutes: false });
	recordRequests(app, world, 'media');
	// The bytes of a PUT go straight to disk.
	app.removeAllContentTypeParsers();
	app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
	addMediaOrigin(app, world);
	return app;
}

/** The server below Fastify, which itself can be closed only once. */
async function listen({ server }: FastifyInstance, wanted: boolean, url: string): Promise<void> {
	if (server.listening === wanted) return;
	const done = once(server, wanted ? 'listening' : 'close');
	if (wanted) server.listen(Number(new URL(url).port), HOST);
	else {
		server.close();
		server.closeAllConnections();
	}
	await done;
	// A client in this process learns of its cut connections in the loop's next round, not before.
	for (let round = 0; round < 3; round += 1) await setImmediate();
}

async function start(app: FastifyInstance, port: number): Promise<string> {
	await app.listen({ host: HOST, port });
	return `http://${HOST}:${(app.server.address() as AddressInfo).port}`;
}

async function closeAll(world: World, apps: FastifyInstance[]): Promise<void> {
	world.closing.abort();
	await Promise.all(
		apps.map((app) => {
			app.server.closeAllConnections();
			return app.close();
		}),
	);
	// What was being written when everything ended may appear again for a moment.
	await rm(world.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}
