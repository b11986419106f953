import type { IBinaryData, IDataObject, INodeExecutionData } from 'n8n-workflow';

import { sampleFile, storeFile } from './harness/engine.mts';
import { type Rig, startRig, storeAudio, storeImage } from './harness/rig.mts';

/** Which file a row means; and where that can't be told, a sentence that leads out of it. */

let rig: Rig;
beforeAll(async () => {
	rig = await startRig({ taskSeconds: 1 });
});
afterAll(async () => await rig.close());

type Files = Record<string, IBinaryData>;

const run = async (binary: Files | undefined, parameters: IDataObject = {}) => {
	const item: INodeExecutionData = { json: {}, ...(binary ? { binary } : {}) };
	return await rig.run({ items: [item], parameters: { operation: 'generate', ...parameters } });
};

const named = (image: string, audio = ''): IDataObject => ({
	imageBinaryPropertyName: image,
	audioBinaryPropertyName: audio,
});

const asFile = async (content: string | Buffer, name: string, mimeType: string) =>
	await storeFile(Buffer.from(content), name, mimeType);
const blobOf = async (sample: string) =>
	await asFile(sampleFile(sample), 'blob', 'application/octet-stream');
const inMemory = (sample: string, mimeType: string): IBinaryData => ({
	data: sampleFile(sample).toString('base64'),
	mimeType,
});

/** What was uploaded of the newest task: name and type of the ticket. */
const ticketOf = (extension: string) =>
	rig.emulator
		.requests()
		.filter(({ step }) => step === 'ticket')
		.map(({ body }) => body as { filename: string; content_type: string })
		.filter(({ filename }) => filename.endsWith(extension))
		.at(-1);

describe('with empty names, the only picture and the only recording are taken', () => {
	const cases: [string, () => Promise<Files>][] = [
		[
			'whatever their fields are called',
			async () => ({ data: await storeImage(), data_1: await storeAudio() }),
		],
		[
			'beside other files',
			async () => ({
				pdf: await asFile('%PDF-1.7', 'a.pdf', 'application/pdf'),
				film: await asFile('film', 'a.mp4', 'video/mp4'),
				voice: await storeAudio(),
				face: await storeImage(),
			}),
		],
		[
			'told by their extensions',
			async () => ({
				a: await asFile(sampleFile('portrait.png'), 'a.png', 'application/octet-stream'),
				b: await asFile(sampleFile('speech.mp3'), 'b.mp3', 'application/octet-stream'),
			}),
		],
		[
			'told by their first bytes',
			async () => ({ a: await blobOf('portrait.png'), b: await blobOf('speech.mp3') }),
		],
		[
			'told by their first bytes where labels are wrong',
			async () => ({
				a: await asFile(sampleFile('portrait.png'), 'a.txt', 'text/plain'),
				b: await asFile(sampleFile('speech.mp3'), 'b.json', 'application/json'),
			}),
		],
		[
			'when n8n keeps files in the item itself',
			async () => ({
				a: inMemory('portrait.png', 'image/png'),
				b: inMemory('speech.mp3', 'application/octet-stream'),
			}),
		],
		[
			'where a browser calls a recording a video',
			async () => ({
				a: await storeImage(),
				b: await asFile(Buffer.from([0x1a, 0x45, 0xdf, 0xa3, 1]), 'rec.webm', 'video/webm'),
			}),
		],
	];
	test.each(cases)('%s', async (_title, files) => {
		const result = await run(await files());
		expect(result.error).toBeUndefined();
		expect(result.items[0]?.json).toMatchObject({ taskId: expect.any(String) });
		expect(ticketOf('.png')?.content_type).toBe('image/png');
	});
});

test('a file whose label contradicts its content is sent as what it is', async () => {
	const result = await run({
		image: await storeImage(),
		audio: await asFile(sampleFile('speech2.mp3'), 'file.wav', 'audio/wav'),
	});
	expect(result.error).toBeUndefined();
	expect(ticketOf('file.mp3')).toMatchObject({ content_type: 'audio/mpeg' });
});

interface Refusal {
	title: string;
	files?: () => Promise<Files>;
	parameters?: IDataObject;
	message: RegExp;
	advice: RegExp;
	/** What would lead into the next error. */
	never?: RegExp;
}

const MERGE =
	/Merge node \(Mode: Combine, Combine By: Position\).*different field names.*of two files with one name Merge keeps only one.*\$\("Name of the node"\)\.item\.binary\.data/;
const both = async () => ({ image: await storeImage(), audio: await storeAudio() });
const voiceOnly = async () => ({ data: await storeAudio() });

const refusals: Refusal[] = [
	{
		title: 'an item with nothing but a recording',
		files: voiceOnly,
		message: /^There is no picture in this item$/,
		advice: new RegExp(`has only "data" \\(a recording, speech\\.mp3\\).*${MERGE.source}`),
		never: /Enter (one of )?th/i,
	},
	{
		title: 'an item with nothing but a picture',
		files: async () => ({ data: await storeImage() }),
		message: /^There is no recording in this item/,
		advice: new RegExp(`has only "data" \\(a picture, portrait\\.png\\).*${MERGE.source}`),
	},
	{
		title: 'an item without files',
		message: /^There is no picture in this item/,
		advice:
			/has no files: check the node before.*Edit Fields.*\$\("Name of the node"\)\.item\.binary\.data.*"URL"/,
	},
	{
		title: 'two pictures',
		files: async () => ({ ...(await both()), logo: await storeImage('portrait2.png') }),
		message: /^This item has 2 pictures$/,
		advice: /"image" \(a picture, portrait\.png\), "logo" \(a picture, portrait2\.png\)/,
		never: /audio/,
	},
	{
		title: 'a video in the place of the voice',
		files: async () => ({
			face: await storeImage(),
			clip: await asFile('....ftypisom', 'a.mp4', 'video/mp4'),
		}),
		message: /^There is no recording in this item/,
		advice: /"clip" \(a video, a\.mp4\).*Extract the sound of the video first/,
	},
	{
		title: 'a video that is named as the voice',
		files: async () => ({
			face: await storeImage(),
			clip: await asFile('....ftypisom', 'a.mp4', 'video/mp4'),
		}),
		parameters: named('', 'clip'),
		message: /"clip" is not a sound file that WaveSpeed takes: it is a video$/,
		advice: /^Nothing was paid\. Extract the sound/,
	},
	{
		title: 'an iPhone photo',
		files: async () => ({
			face: await asFile('....ftypheic', 'a.heic', 'image/heic'),
			voice: await storeAudio(),
		}),
		message: /^There is no picture in this item/,
		advice: /Supply one of: JPG, PNG/,
	},
	{
		title: 'a wrong name, where the item has the right file',
		files: both,
		parameters: named('picture'),
		message: /no file in the field "picture"/,
		advice:
			/The picture of this item is "image" \(a picture, portrait\.png\): enter this name.*or leave the field empty/,
		never: /audio|speech/,
	},
	{
		title: 'a wrong name, where the item has only the other file',
		files: voiceOnly,
		parameters: named('image'),
		message: /no file in the field "image"/,
		advice: MERGE,
		never: /enter this name/,
	},
	{
		title: 'the name of a file of the wrong kind',
		files: both,
		parameters: named('audio'),
		message: /"audio" is not a picture that WaveSpeed takes: it is a recording$/,
		advice: /The picture of this item is "image"/,
	},
	{
		title: 'one file for both',
		files: voiceOnly,
		parameters: named('data', 'data'),
		message: /"data" is not a picture/,
		advice: new RegExp(
			`^Nothing was paid\\. Both fields mean the file in "data".*only one of them is left.*${MERGE.source}`,
		),
	},
	{
		title: 'an expression with a space behind it',
		files: both,
		parameters: named('={{ $("Start").item.binary.image }} '),
		message: /"Image Input Data Field Name" has a space or other text around its expression/,
		advice: /Delete everything before \{\{ and after \}\}/,
	},
	{
		title: 'an expression in a field that is not switched to it',
		files: both,
		parameters: named('{{ $("Start").item.binary.image }}'),
		message: /holds an expression that n8n reads as text/,
		advice: /Switch the field to "Expression"/,
	},
	{
		title: 'an expression with two equals signs',
		files: both,
		parameters: named('==image'),
		message: /holds an expression that n8n reads as text: =image/,
		advice: /without a leading equals sign/,
	},
	{
		title: 'an expression that ends in .data.data',
		files: both,
		parameters: named('={{ $("Start").item.binary.image.data }}'),
		message: /goes one step too far: it gives "filesystem-v2"/,
		advice: /leave out the last "\.data"/,
	},
	{
		title: 'base64',
		files: both,
		parameters: named(`={{ "iVBORw0KGgo".repeat(20) }}`),
		message: /holds the content of a file as text \(base64\)/,
		advice: /Convert to File.*Move Base64 String to File/,
	},
	{
		title: 'a data URL',
		files: both,
		parameters: named('data:image/png;base64,iVBORw0KGgo='),
		message: /holds the content of a file as text/,
		advice: /Convert to File/,
	},
	{
		title: 'a web address',
		files: both,
		parameters: named('https://example.com/a.png'),
		message: /holds a web address/,
		advice: /Choose "URL" as the source/,
	},
	{
		title: 'an expression that gives all files',
		files: both,
		parameters: named('={{ $("Start").item.binary }}'),
		message: /doesn't give a file/,
		advice: /add \.image at its end/,
	},
	{
		title: 'an expression that gives an item',
		files: both,
		parameters: named('={{ ({ json: {}, binary: $("Start").item.binary }) }}'),
		message: /doesn't give a file/,
		advice: /go on with \.binary\.data/,
	},
	{
		title: 'an expression that gives nothing',
		files: both,
		parameters: named('={{ $("Start").item.binary.nope }}'),
		message: /The expression in "Image Input Data Field Name" gives nothing/,
		advice: /Check the names in it/,
	},
	{
		title: 'a data URL as web address',
		parameters: { imageSource: 'url', imageUrl: 'data:image/png;base64,AAAA' },
		message: /"Image URL" is not a web address but the content of a file/,
		advice: /Convert to File/,
	},
];

describe('before anything is spent, it explains', () => {
	test.each(refusals)('$title', async ({ files, parameters, message, advice, never }) => {
		const before = rig.emulator.requests().length;
		const result = await run(await files?.(), parameters);
		expect(result.error?.message).toMatch(message);
		expect(result.error?.description).toMatch(advice);
		expect(result.error?.description).toMatch(/^Nothing was paid\. /);
		if (never) expect(result.error?.description).not.toMatch(never);
		expect(result.error?.context?.data).toEqual({
			parameter: expect.stringMatching(/^(image|audio)(BinaryPropertyName|Url)$/),
		});
		expect(rig.emulator.requests().length).toBe(before);
	});
});

test('the file of another node is taken by an expression, in the old way of writing too', async () => {
	for (const image of [
		'={{ $("Start").item.binary.image }}',
		'={{ $node["Start"].binary.image }}',
	]) {
		const result = await run(await both(), named(image));
		expect(result.error).toBeUndefined();
	}
});

describe('addresses of pages', () => {
	const pages: [string, string, RegExp][] = [
		['Google Drive', 'https://drive.google.com/file/d/1AbC/view?usp=sharing', /Google Drive node/],
		['Google Docs', 'https://docs.google.com/document/d/1AbC/edit', /Google Drive node/],
		['Google Photos', 'https://photos.app.goo.gl/abc', /Download the file/],
		['Dropbox', 'https://www.dropbox.com/scl/fi/x/a.png?rlkey=y&dl=0', /raw=1/],
		['OneDrive', 'https://1drv.ms/i/s!abc', /OneDrive node/],
		['SharePoint', 'https://acme.sharepoint.com/:i:/g/personal/abc?e=x', /SharePoint node/],
		['iCloud', 'https://www.icloud.com/iclouddrive/abc', /Download the file/],
		['WeTransfer', 'https://we.tl/t-abc', /Download the file/],
		['YouTube', 'https://youtu.be/abc', /a file of your own/],
		['YouTube', 'https://www.youtube.com/watch?v=abc', /a file of your own/],
		['Vimeo', 'https://vimeo.com/123', /a file of your own/],
		['Instagram', 'https://www.instagram.com/p/abc/', /a file of your own/],
		['TikTok', 'https://vm.tiktok.com/abc/', /a file of your own/],
		['GitHub', 'https://github.com/a/b/blob/main/c.png', /raw=true/],
	];
	const GOOD = 'https://example.com/a';
	test.each(pages)('are refused before anything is spent: %s %s', async (site, url, advice) => {
		for (const kind of ['image', 'audio']) {
			const before = rig.emulator.requests().length;
			const result = await run(undefined, {
				...{ imageSource: 'url', audioSource: 'url', imageUrl: GOOD, audioUrl: GOOD },
				[`${kind}Url`]: url,
			});
			expect(result.error?.message).toContain(`page and not of a file (${site})`);
			expect(result.error?.description).toMatch(advice);
			expect(rig.emulator.requests().length).toBe(before);
		}
	});

	test.each([
		'https://drive.google.com/uc?export=download&id=1AbC',
		'https://www.dropbox.com/scl/fi/x/a.png?rlkey=y&raw=1',
		'https://www.dropbox.com/s/x/a.png?dl=1',
		'https://dl.dropboxusercontent.com/s/x/a.png',
		'https://i.ytimg.com/vi/abc/hqdefault.jpg',
		'https://raw.githubusercontent.com/a/b/main/c.png',
		'https://notyoutube.com/a.png',
		'https://example.com/?next=https://drive.google.com/file/d/1',
	])('that give the file itself pass: %s', async (imageUrl) => {
		const result = await run(undefined, {
			...{ resource: 'task', operation: 'submit', imageSource: 'url', audioSource: 'url' },
			...{ imageUrl, audioUrl: GOOD },
		});
		expect(result.error).toBeUndefined();
		expect(rig.emulator.tasks().at(-1)?.input.image).toBe(imageUrl);
	});
});

describe('values that mean the same', () => {
	test.each([
		['={{ 720 }}', '720p'],
		['720', '720p'],
		['={{ " 720P " }}', '720p'],
		['={{ 480 }}', '480p'],
		['480P', '480p'],
	])('resolution %s is %s', async (resolution, wanted) => {
		const result = await run(await both(), { resource: 'task', operation: 'submit', resolution });
		expect(result.error).toBeUndefined();
		expect(rig.emulator.tasks().at(-1)?.input.resolution).toBe(wanted);
	});

	test.each(['={{ "" }}', '={{ null }}', '={{ $json.nothing }}', '={{ "  " }}'])(
		'a seed of %s draws one',
		async (seed) => {
			const result = await run(await both(), { resource: 'task', operation: 'submit', seed });
			expect(result.error).toBeUndefined();
			expect(result.items[0]?.json.seed).toEqual(expect.any(Number));
		},
	);
});
