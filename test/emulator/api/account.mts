import type { FastifyInstance } from 'fastify';
import { isRecord, refusal, success } from '../answers.mts';
import { addRoute } from '../exchange.mts';
import { API_PATH, MODEL_ID } from '../predictions.mts';
import { quote } from '../price.mts';
import type { World } from '../state.mts';
import { settle } from '../tasks.mts';
import { balanceOf } from './submit.mts';

/** Balance, price and webhook secret (WaveSpeedAI docs, Balance, Pricing API, Verify Webhooks). */
export function addAccount(app: FastifyInstance, world: World): void {
	addRoute(app, world, {
		method: 'GET',
		url: `${API_PATH}/balance`,
		step: 'balance',
		answer: async () => {
			await settle(world);
			return success({ balance: balanceOf(world) });
		},
	});

	addRoute(app, world, {
		method: 'POST',
		url: `${API_PATH}/model/price`,
		step: 'price',
		answer: async ({ request }) => {
			const price = await priceFor(world, request.body);
			return success({ model_id: MODEL_ID, price, discounted_price: price, currency: 'USD' });
		},
	});

	// The 2025 contract, kept by the service for old clients.
	addRoute(app, world, {
		method: 'POST',
		url: `${API_PATH}/model/pricing`,
		step: 'price',
		answer: async ({ request }) => {
			const price = await priceFor(world, request.body);
			return success({ model_id: MODEL_ID, unit_price: price, currency: 'USD' });
		},
	});

	addRoute(app, world, {
		method: 'GET',
		url: `${API_PATH}/webhook/secret`,
		step: 'secret',
		answer: () => success({ secret: world.webhookSecret }),
	});
}

function priceFor(world: World, body: unknown): Promise<number> {
	if (!isRecord(body)) throw refusal(400, 'the body must be a JSON object');
	if (typeof body.model_id !== 'string') throw refusal(400, 'model_id must be a string');
	if (body.model_id !== MODEL_ID) throw refusal(404, 'model not found');
	return quote(world, body.inputs);
}
