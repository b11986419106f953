import { join } from 'node:path';

import {
	askForFree,
	makeVideo,
	openService,
	quote,
	type Service,
	uploadSamples,
} from '../../../scripts/live/probe.mts';
import { compareAnswers, printable } from '../../../scripts/live/shapes.mts';
import { startEmulator } from '../../emulator/emulator.mts';
import type { EmulatorOptions } from '../../emulator/types.mts';

const MEDIA = join(process.cwd(), 'test', 'media');

/** All questions of the live check to an emulator that stands for the service. */
async function askAll(options: EmulatorOptions = {}) {
	const emulator = await startEmulator({ video: 'placeholder', taskSeconds: 0.1, ...options });
	try {
		const service: Service = openService(emulator.url, emulator.apiKey);
		await askForFree(service, emulator.url);
		const inputs = await uploadSamples(service, MEDIA);
		const price = await quote(service, inputs);
		const paidBefore = emulator.paidTasks();
		const { notes } = await makeVideo(service, inputs, () => {}, 20);
		return { answers: service.answers, price, paidBefore, paid: emulator.paidTasks(), notes };
	} finally {
		await emulator.close();
	}
}

describe('the live check', () => {
	it('pays for one video, and only after all the questions that cost nothing', async () => {
		const { price, paidBefore, paid } = await askAll();
		expect(price).toBe(0.15);
		expect(paidBefore).toBe(0);
		expect(paid).toBe(1);
	});

	it('finds no difference between two services that answer alike', async () => {
		const [one, other] = [await askAll(), await askAll()];
		const steps = one.answers.map(({ step }) => step);
		expect(steps).toContain('submit');
		expect(steps).toContain('result, completed');
		expect(compareAnswers(one.answers, other.answers)).toEqual([]);
	});

	it('names each field that the service answers otherwise', async () => {
		const [emulator, service] = [await askAll(), await askAll({ echoInput: true, nullNsfw: true })];
		const differences = compareAnswers(emulator.answers, service.answers);
		expect(differences).toContain('result, completed: data.input is new (object)');
		expect(differences).toContain(
			'result, completed: data.has_nsfw_contents is null instead of list',
		);
		expect(service.notes).toContain("A result repeats the task's input.");
	});

	it('tells an answer with another HTTP status', () => {
		const body = { code: 400 };
		const differences = compareAnswers(
			[{ step: 'submit', status: 400, body }],
			[{ step: 'submit', status: 422, body }],
		);
		expect(differences).toEqual(['submit: HTTP 422 instead of 400']);
	});

	it('keeps secrets and signatures out of what it writes', () => {
		const text = printable({
			secret: 'whsec_abc',
			upload: { url: 'https://host/put?X-Signature=abc', headers: { Authorization: 'Bearer abc' } },
		});
		expect(text).not.toContain('abc');
		expect(text).toContain('https://host/put');
	});
});
