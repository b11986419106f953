/** What the API says when all is well; hostile answers are made from it. */

export const STEPS = [
	'ticket',
	'put',
	'multipart',
	'price',
	'submit',
	'result',
	'list',
	'secret',
	'download',
] as const;

export type Step = (typeof STEPS)[number];

export interface Situation {
	/** Of the requests so far: each file has an address of its own. */
	count: number;
	base: string;
	accepted: { id: string; prompt: string }[];
	path: string;
}

export const SECRET = 'whsec_not-to-be-seen';

const toPrediction = (base: string, id: string, status: string): Record<string, unknown> => ({
	id,
	model: 'wavespeed-ai/wan-2.2/speech-to-video',
	status,
	outputs: status === 'completed' ? [`${base}/video/${id}.mp4`] : [],
	urls: { get: `${base}/api/v3/predictions/${id}/result` },
	has_nsfw_contents: [false],
	created_at: '2026-11-22T08:00:00.000Z',
	error: '',
	code: 0,
	executionTime: 1000,
	timings: { inference: 1000 },
	input: { prompt: 'row 0' },
});

export function goodData(
	step: Step | undefined,
	{ base, accepted, path, count }: Situation,
): unknown {
	switch (step) {
		case 'ticket':
			return {
				upload: {
					method: 'PUT',
					url: `${base}/store/${count}`,
					headers: { 'Content-Type': 'image/png' },
				},
				download_url: `${base}/store/${count}`,
			};
		case 'multipart':
			return { download_url: `${base}/store/${count}` };
		case 'price':
			return { price: 0.2, discounted_price: 0.1 };
		case 'submit':
			return toPrediction(base, accepted.at(-1)?.id ?? 'task-0', 'created');
		case 'result':
			return toPrediction(base, decodeURIComponent(path.split('/').at(-2) ?? ''), 'completed');
		case 'list': {
			// As the real one, it doesn't repeat the inputs.
			const items = accepted.map(({ id }) => toPrediction(base, id, 'processing'));
			for (const item of items) delete item.input;
			return { items };
		}
		case 'secret':
			return { secret: SECRET };
		default:
			return {};
	}
}
