import type { ServiceAnswer, ServiceRequest } from './fakeService.mts';

const refuse = (status: number, message: string): ServiceAnswer => ({
	status,
	body: { error: { message } },
});

/** OpenAI's `POST /v1/audio/speech`: the answer is the audio itself. */
export const speakAsFile =
	(speech: Buffer, apiKey: string) =>
	({ method, path, authorization, body }: ServiceRequest): ServiceAnswer => {
		if (method !== 'POST' || path !== '/v1/audio/speech') return refuse(404, 'no such endpoint');
		if (authorization !== `Bearer ${apiKey}`) return refuse(401, 'wrong key');
		for (const name of ['model', 'voice', 'input']) {
			if (typeof body[name] !== 'string' || body[name] === '')
				return refuse(400, `${name} is missing`);
		}
		if (body.response_format !== 'mp3') return refuse(400, 'this service has MP3 only');
		return { body: speech, contentType: 'audio/mpeg' };
	};

/** WaveSpeed's `POST /api/v3/minimax/speech-02-hd` in sync mode: the answer has the audio's web address. */
export const speakAsUrl =
	(speechUrl: string, apiKey: string) =>
	({ method, path, authorization, body }: ServiceRequest): ServiceAnswer => {
		if (method !== 'POST' || path !== '/api/v3/minimax/speech-02-hd')
			return refuse(404, 'no such model');
		if (authorization !== `Bearer ${apiKey}`) return refuse(401, 'invalid api key');
		for (const name of ['text', 'voice_id']) {
			if (typeof body[name] !== 'string' || body[name] === '')
				return refuse(400, `${name} is missing`);
		}
		// Without sync mode the outputs come later.
		const isReady = body.enable_sync_mode === true;
		const data = {
			...{ id: 'speech-1', model: 'minimax/speech-02-hd', error: '' },
			status: isReady ? 'completed' : 'created',
			outputs: isReady ? [speechUrl] : [],
		};
		return { body: { code: 200, message: 'success', data } };
	};
