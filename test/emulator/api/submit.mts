import type { FastifyInstance } from 'fastify';
import { isRecord, refusal, success } from '../answers.mts';
import { addRoute } from '../exchange.mts';
import { checkConcurrency, checkRate } from '../limits.mts';
import { isLoopback } from '../loopback.mts';
import { findUpload } from '../media.mts';
import { API_PATH, MODEL_ID, toPrediction, usualEcho } from '../predictions.mts';
import { priceOfFile } from '../price.mts';
import type { World } from '../state.mts';
import { acceptTask, inFlight, settle, spentUsd } from '../tasks.mts';
import type { TaskInput } from '../types.mts';
import { watchTask } from '../webhooks.mts';

const KNOWN = ['image', 'audio', 'prompt', 'resolution', 'seed'];
const MOST_SEED = 2_147_483_647;
const DEFAULT_BALANCE_USD = 100;

export function addSubmit(app: FastifyInstance, world: World): void {
	addRoute(app, world, {
		method: 'POST',
		url: `${API_PATH}/${MODEL_ID}`,
		step: 'submit',
		answer: async ({ request, record }) => {
			const input = checkInput(request.body, world.options.strictBody ?? false);
			const webhookUrl = checkWebhook(record.query.webhook);
			const price = await knownPrice(world, input);
			await settle(world);
			// No await from here to the acceptance: two submits at once must not both take the last place.
			const level = world.options.accountLevel ?? 'ultra';
			if ((world.options.overLimit ?? 'reject') === 'reject') {
				checkConcurrency(level, inFlight(world));
			}
			checkRate(world.rate, level, world.clock.now());
			checkBalance(world, price);
			world.rate.accepted += 1;
			const task = acceptTask(world, input, webhookUrl, price);
			watchTask(world, task);
			return success(toPrediction(world, task, usualEcho(world)));
		},
	});
}

export function balanceOf(world: World): number {
	return Math.round(((world.options.balance ?? DEFAULT_BALANCE_USD) - spentUsd(world)) * 100) / 100;
}

/**
 * The model's schema (WaveSpeedAI docs, Wan 2.2 Speech To Video). It says `additionalProperties: false`, but "the
 * entry whitelist silently DROPS any input key that is not in the model's schema" (WaveSpeedAI CLI,
 * validate-inputs.ts), and bills the rest. A text that is no URL "will fail model validation" (WaveSpeedAI MCP,
 * server.ts); `data:` gets through here and fails as a task, since other models take it.
 */
function checkInput(body: unknown, isStrict: boolean): TaskInput {
	if (!isRecord(body)) throw refusal(400, 'the body must be a JSON object');
	const { image, audio, prompt, resolution, seed } = body;
	const extra = Object.keys(body).find((key) => !KNOWN.includes(key));
	if (isStrict && extra !== undefined) throw refusal(400, `property "${extra}" is unsupported`);
	if (image === undefined || image === '') throw refusal(400, 'property "image" is missing');
	if (audio === undefined || audio === '') throw refusal(400, 'property "audio" is missing');
	if (typeof image !== 'string') throw refusal(400, 'property "image" must be a string');
	if (typeof audio !== 'string') throw refusal(400, 'property "audio" must be a string');
	checkUrl('image', image);
	checkUrl('audio', audio);
	if (prompt !== undefined && typeof prompt !== 'string') {
		throw refusal(400, 'property "prompt" must be a string');
	}
	if (resolution !== undefined && resolution !== '480p' && resolution !== '720p') {
		throw refusal(400, 'property "resolution" must be one of 480p, 720p');
	}
	const isSeed = typeof seed === 'number' && Number.isInteger(seed) && seed >= -1;
	if (seed !== undefined && !(isSeed && seed <= MOST_SEED)) {
		throw refusal(400, `property "seed" must be an integer from -1 to ${MOST_SEED}`);
	}
	return {
		image,
		audio,
		...(prompt !== undefined && { prompt }),
		...(resolution !== undefined && { resolution }),
		...(isSeed && { seed }),
	};
}

function checkUrl(name: string, value: string): void {
	if (/^(https?|data):/i.test(value) && URL.canParse(value)) return;
	throw refusal(400, `property "${name}" must be a valid URL`);
}

/** The docs ask for a public https URL; plain http is let through to this machine, where tests listen. */
function checkWebhook(webhook: string | string[] | undefined): string | undefined {
	if (webhook === undefined) return undefined;
	if (typeof webhook !== 'string' || !URL.canParse(webhook)) {
		throw refusal(400, 'webhook must be one URL');
	}
	const { protocol } = new URL(webhook);
	if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(webhook))) {
		throw refusal(400, 'webhook must be a public https URL');
	}
	return webhook;
}

/** The price where the audio is at hand; the voice behind a foreign URL is measured when the task starts. */
async function knownPrice(world: World, input: TaskInput): Promise<number | undefined> {
	const isOwn = input.audio.startsWith(`${world.mediaUrl}/media/`) && URL.canParse(input.audio);
	const upload = isOwn ? findUpload(world, new URL(input.audio).pathname) : undefined;
	if (!upload) return undefined;
	return priceOfFile(world, upload, input.resolution).catch(() => undefined);
}

/** The status for an empty balance isn't documented; 1407 insufficient_credits is an application code. */
function checkBalance(world: World, price: number | undefined): void {
	if (balanceOf(world) >= (price ?? 0) && balanceOf(world) > 0) return;
	const error = 'insufficient_credits: please top up your account';
	throw refusal(400, error, { error_code: 'insufficient_credits', data: { code: 1407, error } });
}
