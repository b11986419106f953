import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import axios from 'axios';

import { saveCredential } from '../../scripts/n8n/n8nCredentials.mts';
import { describeFailure, outputItems, type Execution } from '../../scripts/n8n/n8nExecutions.mts';
import { listAt, textAt, valueAt } from '../../scripts/n8n/shape.mts';
import { until } from './chainedWorkflow.mts';
import { chooseCredential, setField, setParameters } from './editWorkflow.mts';
import type { ExampleBench } from './exampleBench.mts';
import { callTool, toolAnswer } from './fakeChatModel.mts';
import {
	startFakeService,
	type FakeService,
	type ServiceAnswer,
	type ServiceRequest,
} from './fakeService.mts';
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

	const videoInput = () => ({
		image_url: `${bench().media.url}/portrait.png`,
		audio_url: `${bench().media.url}/speech.mp3`,
		prompt: 'speaks calmly to the camera',
	});

	/** One message in the chat of an agent whose model calls the tool. */
	async function chat(
		answer: (request: ServiceRequest) => ServiceAnswer,
		example = 'ai-agent',
	): Promise<Execution> {
		const { testbed, run } = bench();
		service = await startFakeService(answer);
		const key = await saveCredential(testbed.session, {
			...{ name: 'OpenAI', type: 'openAiApi' },
			data: { apiKey: OTHER_KEY, url: `${service.url}/v1`, header: false },
		});
		return await run(example, {
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
			const execution = await chat(callTool(videoInput(), 1));
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
			await chat(callTool(videoInput(), 3));

			expect(testbed.emulator.paidTasks() - before).toBe(2);
			expect(toolAnswer(service.requests.at(-1)!)).toMatch(
				/more than .*Max Cost per Video.* allows \(\$0\.00\)/,
			);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	it(
		'let an AI agent start a video with one tool, answer immediately, and look for it with another',
		async () => {
			const { testbed } = bench();
			const before = testbed.emulator.paidTasks();
			const start = callTool(videoInput(), 1, /start/i);
			const started = await chat(start, 'ai-agent-two-tools');
			if (started.status !== 'success') throw new Error(describeFailure(started));
			await service.close();

			const [task] = testbed.emulator.tasks().slice(before);
			const [first] = outputItems(started, 'AI Agent');
			expect(textAt(first, 'json', 'output')).toContain(task!.id);
			testbed.emulator.finishTask(task!.id);
			const look = callTool({ task_id: task!.id }, 1, /look/i);
			const looked = await chat(look, 'ai-agent-two-tools');
			if (looked.status !== 'success') throw new Error(describeFailure(looked));

			const [answer] = outputItems(looked, 'AI Agent');
			const [ended] = testbed.emulator.tasks().slice(before);
			expect(ended!.outputs[0]).toMatch(/\.mp4/);
			expect(textAt(answer, 'json', 'output')).toContain(String(ended!.outputs[0]));
			// What the first message was answered is still known to the model.
			expect(JSON.stringify(service.requests[0]?.body)).toContain(task!.id);
			expect(testbed.emulator.paidTasks() - before).toBe(1);
		},
		2 * RUN_TIMEOUT_MS,
	);

	/** Who decides presses the button as soon as n8n is ready for it, in a browser: n8n overlooks what previews links. */
	async function press(url: string): Promise<void> {
		const headers = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36' };
		await until(async () => {
			const answer = await axios.get(url, { proxy: false, headers, validateStatus: () => true });
			return answer.status === 200;
		});
	}

	/** The video that a person gets in Telegram with two buttons; presses one of them. */
	async function letDecide(button: 'Post it' | 'No'): Promise<Execution> {
		const { testbed, media, run } = bench();
		const { apiKey } = testbed.emulator;
		const speak = speakAsUrl(`${media.url}/speech.mp3`, apiKey);
		const pressed: Array<Promise<void>> = [];
		service = await startFakeService((request) => {
			if (!request.path.startsWith('/bot')) return speak(request);
			const buttons = listAt(request.body, 'reply_markup', 'inline_keyboard', 0);
			const url = textAt(
				buttons.find((one) => textAt(one, 'text') === button),
				'url',
			);
			if (url !== undefined) pressed.push(press(url));
			return { body: { ok: true, result: { message_id: 1 } } };
		});
		const telegram = await saveCredential(testbed.session, {
			...{ name: 'Telegram', type: 'telegramApi' },
			data: { accessToken: OTHER_KEY, baseUrl: service.url },
		});
		const execution = await run('approve-and-post', {
			edit(workflow) {
				setField(workflow, 'Text', 'image_url', `${media.url}/portrait.png`);
				const url = `${service.url}/api/v3/minimax/speech-02-hd`;
				setParameters(workflow, 'Text to speech', { url });
				for (const name of ['May it be posted?', 'Post it', 'Report the failure']) {
					chooseCredential(workflow, name, 'telegramApi', telegram);
				}
			},
		});
		await Promise.all(pressed);
		if (execution.status !== 'success') throw new Error(describeFailure(execution));
		return execution;
	}

	const sentByTelegram = (method: string) =>
		service.requests.filter(({ path }) => path === `/bot${OTHER_KEY}/${method}`);

	it(
		'show a person the video that was made from a text, and post it when they approve',
		async () => {
			const { emulator } = bench().testbed;
			const before = emulator.paidTasks();
			await letDecide('Post it');
			const [task] = emulator.tasks().slice(before);
			expect(task!.outputs[0]).toMatch(/\.mp4/);
			const [question] = sentByTelegram('sendMessage');
			expect(textAt(question?.body, 'text')).toContain(String(task!.outputs[0]));
			expect(sentByTelegram('sendVideo').map(({ body }) => body)).toEqual([
				expect.objectContaining({ chat_id: '@your_channel', video: task!.outputs[0] }),
			]);
		},
		2 * RUN_TIMEOUT_MS,
	);

	it(
		'post nothing that a person declines',
		async () => {
			await letDecide('No');
			expect(sentByTelegram('sendVideo')).toEqual([]);
		},
		2 * RUN_TIMEOUT_MS,
	);

	it(
		'hand the videos of several speakers, in their order, to a service that joins them',
		async () => {
			const { testbed, media, run } = bench();
			const before = testbed.emulator.paidTasks();
			let looks = 0;
			service = await startFakeService(({ method }) => {
				if (method === 'POST') return { body: { success: true, response: { id: 'render-1' } } };
				looks += 1;
				const status = looks < 2 ? 'rendering' : 'done';
				return { body: { success: true, response: { status, url: 'https://film.example/1.mp4' } } };
			});
			const key = await saveCredential(testbed.session, {
				...{ name: 'Shotstack', type: 'httpHeaderAuth' },
				data: { name: 'x-api-key', value: OTHER_KEY },
			});
			const lines = ['portrait.png', 'portrait2.png'].map((picture) => ({
				image_url: `${media.url}/${picture}`,
				audio_url: `${media.url}/speech.mp3`,
			}));
			const execution = await run('join-videos', {
				edit(workflow) {
					setParameters(workflow, 'Lines', { jsonOutput: JSON.stringify({ lines }) });
					setParameters(workflow, 'Join them', { url: `${service.url}/render` });
					setParameters(workflow, 'Is it ready?', { url: `${service.url}/render/render-1` });
					setParameters(workflow, 'Give it time', { amount: 1 });
					for (const name of ['Join them', 'Is it ready?']) {
						chooseCredential(workflow, name, 'httpHeaderAuth', key);
					}
				},
			});
			if (execution.status !== 'success') throw new Error(describeFailure(execution));

			const tasks = testbed.emulator.tasks().slice(before);
			const videoOf = (picture: string) =>
				tasks.find(({ input }) => input.image === picture)?.outputs[0];
			const clips = listAt(service.requests[0]?.body, 'timeline', 'tracks', 0, 'clips');
			expect(clips.map((clip) => textAt(clip, 'asset', 'src'))).toEqual(
				lines.map(({ image_url }) => videoOf(image_url)),
			);
			const [film] = outputItems(execution, 'The film');
			expect(textAt(film, 'json', 'film_url')).toBe('https://film.example/1.mp4');
			expect(tasks).toHaveLength(2);
		},
		2 * RUN_TIMEOUT_MS,
	);
}
