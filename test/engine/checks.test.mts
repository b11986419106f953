import type { IDataObject, INodeExecutionData } from 'n8n-workflow';

import {
	everythingReadable,
	makeRow,
	type Rig,
	startRig,
	storeAudio,
	storeImage,
} from './harness/rig.mts';
import { storeFile } from './harness/engine.mts';

/** What is refused before anything is sent: the message names the field, the advice says that nothing was paid. */

let rig: Rig;
beforeAll(async () => {
	rig = await startRig();
});
afterAll(async () => await rig.close());

const URLS = {
	imageSource: 'url',
	imageUrl: 'https://example.com/a.png',
	audioSource: 'url',
	audioUrl: 'https://example.com/a.mp3',
};

interface Case {
	title: string;
	parameters: IDataObject;
	message: RegExp;
	item?: () => Promise<INodeExecutionData>;
}

const file = async (content: string | Buffer, name: string, mimeType: string) =>
	await storeFile(Buffer.from(content), name, mimeType);

const cases: Case[] = [
	{
		title: 'a field without a file',
		parameters: { operation: 'generate', imageBinaryPropertyName: 'picture' },
		message: /no file in the field "picture".*Image Input Data Field Name/,
	},
	{
		title: 'an expression that gives no file',
		parameters: { operation: 'generate', audioBinaryPropertyName: '={{ ({ a: 1 }) }}' },
		message: /expression in "Audio Input Data Field Name" doesn't give a file/,
	},
	{
		title: 'an expression that gives nothing',
		parameters: { operation: 'generate', imageBinaryPropertyName: '={{ null }}' },
		message: /The expression in "Image Input Data Field Name" gives nothing/,
	},
	{
		title: 'a document in place of the picture',
		parameters: { operation: 'generate', imageBinaryPropertyName: 'image' },
		message: /"image" is not a picture.*application\/pdf/,
		item: async () => ({
			json: {},
			binary: {
				image: await file('%PDF-1.7', 'a.pdf', 'application/pdf'),
				audio: await storeAudio(),
			},
		}),
	},
	{
		title: "picture and recording in each other's place",
		parameters: {
			operation: 'generate',
			imageBinaryPropertyName: 'audio',
			audioBinaryPropertyName: 'image',
		},
		message: /"audio" is not a picture/,
	},
	{
		title: 'an error page that was saved under the name of a picture',
		parameters: { operation: 'generate', imageBinaryPropertyName: 'image' },
		message: /"image" is not a picture.*web page/,
		item: async () => ({
			json: {},
			binary: {
				image: await file('<!DOCTYPE html><h1>404</h1>', 'a.png', 'image/png'),
				audio: await storeAudio(),
			},
		}),
	},
	{
		title: 'an empty file',
		parameters: { operation: 'generate' },
		message: /The file in "audio" is empty/,
		item: async () => ({
			json: {},
			binary: { image: await storeImage(), audio: await file('', 'a.mp3', 'audio/mpeg') },
		}),
	},
	{
		title: 'content that fits no format',
		parameters: { operation: 'generate', audioBinaryPropertyName: 'audio' },
		message: /"audio" is not a sound file.*unknown content/,
		item: async () => ({
			json: {},
			binary: {
				image: await storeImage(),
				audio: await file('just some text', 'blob', 'application/octet-stream'),
			},
		}),
	},
	{
		title: 'a data URI as URL',
		parameters: { operation: 'generate', ...URLS, imageUrl: 'data:image/png;base64,AAAA' },
		message: /"Image URL" is not a web address but the content of a file/,
	},
	{
		title: 'a file URL',
		parameters: { operation: 'generate', ...URLS, audioUrl: 'file:///etc/passwd' },
		message: /"Audio URL" is not a web address/,
	},
	{
		title: 'an empty URL',
		parameters: { operation: 'generate', ...URLS, audioUrl: '={{ $json.nothing }}' },
		message: /"Audio URL" is empty/,
	},
	{
		title: 'an unknown resolution',
		parameters: { operation: 'generate', ...URLS, resolution: '={{ "1080p" }}' },
		message: /"Resolution" must be one of: 480p, 720p, not "1080p"/,
	},
	{
		title: 'a seed with a fraction',
		parameters: { operation: 'generate', ...URLS, seed: '={{ 1.5 }}' },
		message: /"Seed" must be a whole number from -1 to 2147483647, not "1.5"/,
	},
	{
		title: 'a seed out of range',
		parameters: { operation: 'generate', ...URLS, seed: '={{ 2147483648 }}' },
		message: /"Seed" must be/,
	},
	{
		title: 'a seed that is no number',
		parameters: { operation: 'generate', ...URLS, seed: '={{ NaN }}' },
		message: /"Seed" must be/,
	},
	{
		title: 'a prompt that is an object',
		parameters: { operation: 'generate', ...URLS, prompt: '={{ ({ a: 1 }) }}' },
		message: /"Prompt" must be a text, not an object/,
	},
	{
		title: 'a time limit below zero',
		parameters: { operation: 'generate', ...URLS, options: { timeoutMinutes: -1 } },
		message: /"Timeout \(Minutes\)" must be a number from 0/,
	},
	{
		title: 'a cost limit that is no number',
		parameters: { operation: 'generate', ...URLS, options: { maxCostPerRun: '={{ "lots" }}' } },
		message: /"Max Cost per Run" must be a number of at least 0, not "lots"/,
	},
	{
		title: 'a cost limit that is empty',
		parameters: { operation: 'generate', ...URLS, options: { maxCostPerRun: '' } },
		message: /"Max Cost per Run" must be a number of at least 0, not empty/,
	},
	{
		title: 'a cost limit whose expression gives nothing',
		parameters: {
			resource: 'task',
			operation: 'submit',
			...URLS,
			options: { maxCostPerVideo: '={{ $json.limit }}' },
		},
		message: /"Max Cost per Video" must be a number of at least 0, not empty/,
	},
	{
		title: 'a switch that is neither on nor off',
		parameters: { operation: 'generate', ...URLS, options: { downloadVideo: '={{ "yes" }}' } },
		message: /"Download Video" must be true or false, not "yes"/,
	},
	{
		title: 'Include Input Fields without a value',
		parameters: {
			resource: 'task',
			operation: 'submit',
			...URLS,
			options: { includeInputFields: '={{ $json.keep }}' },
		},
		message: /"Include Input Fields" must be true or false, not empty/,
	},
	{
		title: 'Simplify without a value',
		parameters: { operation: 'generate', ...URLS, simplify: '={{ $json.simple }}' },
		message: /"Simplify" must be true or false, not empty/,
	},
	{
		title: 'Return All without a value',
		parameters: { resource: 'task', operation: 'getAll', returnAll: '={{ $json.all }}' },
		message: /"Return All" must be true or false, not empty/,
	},
	{
		title: 'a webhook address without a scheme',
		parameters: {
			resource: 'task',
			operation: 'submit',
			...URLS,
			options: { webhookUrl: 'example.com/hook' },
		},
		message: /"Webhook URL" is not a web address/,
	},
	{
		title: 'a wait without a task ID',
		parameters: { resource: 'task', operation: 'wait', taskId: '={{ $json.taskId }}' },
		message: /"Task ID" is empty/,
	},
	{
		title: 'a filter that is no date',
		parameters: { resource: 'task', operation: 'getAll', filters: { createdAfter: 'yesterday' } },
		message: /"Created After" is not a date/,
	},
];

describe('before anything is sent, it refuses', () => {
	test.each(cases)('$title', async ({ parameters, message, item }) => {
		const before = rig.emulator.requests().length;
		const result = await rig.run({ parameters, items: [item ? await item() : await makeRow()] });
		expect(result.error?.message).toMatch(message);
		expect(result.error?.description).toMatch(/^Nothing was paid\. /);
		expect(result.error?.context).toMatchObject({ itemIndex: 0 });
		expect(rig.emulator.requests().length).toBe(before);
	});
});

test('a bad third row is found before the first is uploaded', async () => {
	const items = [await makeRow(), await makeRow(), { json: {} }, await makeRow()];
	const before = rig.emulator.requests().length;
	const result = await rig.run({ items, parameters: { operation: 'generate' } });
	expect(result.error?.message).toMatch(/^There is no picture in this item.*\. Row 3$/);
	expect(result.error?.context).toMatchObject({ itemIndex: 2 });
	expect(rig.emulator.requests().length).toBe(before);
});

describe('the credential', () => {
	test.each([
		[
			'a base URL without encryption',
			{ baseUrl: 'http://example.com' },
			/base URL.*http:\/\/example\.com/,
		],
		['a base URL that is none', { baseUrl: 'wavespeed' }, /base URL.*wavespeed/],
		['a key with spaces', { apiKey: 'two words' }, /empty or has spaces/],
		['no key', { apiKey: '' }, /empty or has spaces/],
	])('is refused with %s', async (_title, change, message) => {
		const result = await rig.run({
			credential: { ...rig.credential, ...change },
			items: [await makeRow()],
			parameters: { operation: 'generate' },
		});
		expect(result.error?.message).toMatch(message);
	});

	test('may hold the address that the docs show, with its version', async () => {
		const result = await rig.run({
			credential: { ...rig.credential, baseUrl: `${rig.emulator.url}/api/v3/` },
			parameters: { resource: 'task', operation: 'getAll' },
		});
		expect(result.error).toBeUndefined();
	});

	test('with a wrong key fails with one clear error, without the key in it', async () => {
		const before = rig.emulator.paidTasks();
		const result = await rig.run({
			credential: { ...rig.credential, apiKey: 'wrong-key-1234567890' },
			items: [await makeRow()],
			parameters: { operation: 'generate' },
		});
		expect(result.error?.message).toMatch(/doesn't accept the API key/);
		expect(everythingReadable(result)).not.toContain('wrong-key-1234567890');
		expect(rig.emulator.paidTasks()).toBe(before);
	});
});
