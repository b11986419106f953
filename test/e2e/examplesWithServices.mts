import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { saveCredential } from '../../scripts/n8n/n8nCredentials.mts';
import { describeFailure, outputItems, type Execution } from '../../scripts/n8n/n8nExecutions.mts';
import { textAt, valueAt } from '../../scripts/n8n/shape.mts';
import { chooseCredential, setField, setParameters } from './editWorkflow.mts';
import type { ExampleBench } from './exampleBench.mts';
import { callTool, toolAnswer } from './fakeChatModel.mts';
import { startFakeService, type FakeService } from './fakeService.mts';
import { speakAsFile, speakAsUrl } from './fakeSpeech.mts';
import { MEDIA, RUN_TIMEOUT_MS } from './testbed.mts';
import { probeMedia } from './videoFile.mts';

const NODE = 'Wan 2.2 Speech To Video';
const OTHER_KEY = 'key-of-the-other-service';

/** The examples that use another service: it runs on this machine, and the test sets its address as a user sets theirs. */
export function runExamplesWithServices(bench: () => ExampleBench): void {
	let service: FakeService;
	afterEach(async () => await service.close());

	async function expectVideoOfSpeech(execution: Execution): Promise<void> {
		if (execution.status !== 'success') throw new Error(describeFailure(execution));
		const [item] = outputItems(execution, NODE);
		const video = await probeMedia(textAt(item, 'json', 'videoUrl') ?? '');
		const voice = await probeMedia(join(MEDIA, 'speech.mp3'));
		expect(Math.abs(video.seconds - voice.seconds)).toBeLessThanOrEqual(0.2);
	}

	it(
		'turn a text into speech and the file into a video',
		async () => {
			const { testbed, media, run } = bench();
			const speech = await readFile(join(MEDIA, 'speech.mp3'));
			service = await startFakeService(speakAsFile(speech, OTHER_KEY));
			const key = await saveCredential(testbed.session, {
				...{ name: 'OpenAI key', type: 'httpHeaderAuth' },
				data: { name: 'Authorization', value: `Bearer ${OTHER_KEY}` },
			});
			const paid = testbed.emulator.paidTasks();
			const execution = await run('text-to-talking-video', {
				edit(workflow) {
					setField(workflow, 'Text', 'image_url', `${media.url}/portrait.png`);
					setParameters(workflow, 'Text to speech', { url: `${service.url}/v1/audio/speech` });
					chooseCredential(workflow, 'Text to speech', 'httpHeaderAuth', key);
				},
			});

			await expectVideoOfSpeech(execution);
			expect(service.requests.map(({ body }) => body.input)).toEqual([
				'Good morning! Here is what is new this week.',
			]);
			// Picture and voice of the row are uploaded side by side, in any order.
			const sizes = testbed.emulator
				.uploads()
				.slice(-2)
				.map(({ bytes }) => bytes);
			expect(sizes).toContain(speech.length);
			expect(testbed.emulator.paidTasks() - paid).toBe(1);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	it(
		'turn a text into speech at a web address, which the video is made from without an upload',
		async () => {
			const { testbed, media, run } = bench();
			const speechUrl = `${media.url}/speech.mp3`;
			service = await startFakeService(speakAsUrl(speechUrl, testbed.emulator.apiKey));
			const before = testbed.emulator.paidTasks();
			const uploads = testbed.emulator.uploads().length;
			const execution = await run('text-to-talking-video-by-url', {
				edit(workflow) {
					setField(workflow, 'Text', 'image_url', `${media.url}/portrait.png`);
					const url = `${service.url}/api/v3/minimax/speech-02-hd`;
					setParameters(workflow, 'Text to speech', { url });
				},
			});

			await expectVideoOfSpeech(execution);
			const tasks = testbed.emulator.tasks().slice(before);
			expect(tasks.map(({ input }) => input.audio)).toEqual([speechUrl]);
			expect(testbed.emulator.uploads()).toHaveLength(uploads);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	/** One message in the chat of an agent whose model calls the tool. */
	async function chat(calls: number): Promise<Execution> {
		const { testbed, media, run } = bench();
		const values = {
			image_url: `${media.url}/portrait.png`,
			audio_url: `${media.url}/speech.mp3`,
			prompt: 'speaks calmly to the camera',
		};
		service = await startFakeService(callTool(values, calls));
		const key = await saveCredential(testbed.session, {
			...{ name: 'OpenAI', type: 'openAiApi' },
			data: { apiKey: OTHER_KEY, url: `${service.url}/v1`, header: false },
		});
		return await run('ai-agent', {
			edit(workflow) {
				chooseCredential(workflow, 'Chat model', 'openAiApi', key);
			},
			triggerItem: { sessionId: 'chat', action: 'sendMessage', chatInput: 'Let them speak.' },
		});
	}

	it(
		'let an AI agent make one video, and give the user its address, but the model no key',
		async () => {
			const { testbed, media } = bench();
			const before = testbed.emulator.paidTasks();
			const execution = await chat(1);
			if (execution.status !== 'success') throw new Error(describeFailure(execution));

			const tasks = testbed.emulator.tasks().slice(before);
			expect(tasks.map(({ input }) => input)).toMatchObject([
				{ image: `${media.url}/portrait.png`, prompt: 'speaks calmly to the camera' },
			]);
			const [answer] = outputItems(execution, 'AI Agent');
			expect(textAt(answer, 'json', 'output')).toContain(String(tasks[0]?.outputs[0]));
			const [request] = service.requests;
			const schema = valueAt(request?.body, 'tools', 0, 'function', 'parameters', 'properties');
			expect(Object.keys(schema as object).sort()).toEqual(['audio_url', 'image_url', 'prompt']);
			expect(service.requests).toHaveLength(2);
			expect(JSON.stringify(service.requests)).not.toContain(testbed.emulator.apiKey);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	it(
		'let an AI agent that calls its tool too often pay for no more than its owner allows, and tell it why',
		async () => {
			const { testbed } = bench();
			const before = testbed.emulator.paidTasks();
			await chat(3);

			expect(testbed.emulator.paidTasks() - before).toBe(2);
			expect(toolAnswer(service.requests.at(-1)!)).toMatch(
				/more than .*Max Cost per Video.* allows \(\$0\.00\)/,
			);
		},
		RUN_TIMEOUT_MS + 30_000,
	);
}
