import type { FastifyInstance } from 'fastify';
import { success } from '../answers.mts';
import { addRoute } from '../exchange.mts';
import { API_PATH, MODEL_ID } from '../predictions.mts';
import { BASE_PRICE_USD } from '../price.mts';
import type { World } from '../state.mts';

const MOST_SEED = 2_147_483_647;

/** WaveSpeedAI docs, Wan 2.2 Speech To Video: Parameters. */
const PROPERTIES = {
	image: { type: 'string', description: 'The picture: its URL.' },
	audio: { type: 'string', description: 'The voice: its URL.' },
	prompt: { type: 'string', default: '', description: 'Scene, pose and behaviour.' },
	resolution: { type: 'string', enum: ['480p', '720p'], default: '480p' },
	seed: { type: 'integer', minimum: -1, maximum: MOST_SEED, default: -1 },
};

/** The catalogue (WaveSpeedAI docs, Models; WaveSpeedAI desktop, video-models.json): one model, in the vendor's form. */
export function addModels(app: FastifyInstance, world: World): void {
	addRoute(app, world, {
		method: 'GET',
		url: `${API_PATH}/models`,
		step: 'models',
		answer: () =>
			success([
				{
					model_id: MODEL_ID,
					name: MODEL_ID,
					description: 'Turns a picture and a voice into a talking video.',
					type: 'digital-human',
					base_price: BASE_PRICE_USD,
					sort_order: 0,
					api_schema: {
						api_schemas: [
							{
								type: 'model_run',
								method: 'POST',
								server: world.url,
								api_path: `${API_PATH}/${MODEL_ID}`,
								request_schema: {
									type: 'object',
									properties: PROPERTIES,
									required: ['image', 'audio'],
									'x-order-properties': Object.keys(PROPERTIES),
									additionalProperties: false,
								},
							},
						],
					},
				},
			]),
	});
}
