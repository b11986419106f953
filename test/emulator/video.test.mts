import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './ffmpeg.mts';
import {
	closeAll,
	download,
	makeWav,
	mediaPath,
	MINUTE,
	readMedia,
	sha256,
	startRig,
	type Rig,
} from './testTools.mts';

const folder = mkdtempSync(join(tmpdir(), 'emulator-video-'));
afterEach(closeAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function inspect(bytes: Buffer) {
	const path = join(folder, `${sha256(bytes)}.mp4`);
	await writeFile(path, bytes);
	const show = ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', path];
	const { stdout } = await run('ffprobe', show);
	const { streams, format } = JSON.parse(stdout);
	const stream = (type: string) =>
		streams.find((one: { codec_type: string }) => one.codec_type === type);
	return { video: stream('video'), audio: stream('audio'), seconds: Number(format.duration) };
}

async function makeVideo(rig: Rig, input: object): Promise<Buffer> {
	const { id } = (await rig.submit(input)).body.data;
	await rig.clock.advance(MINUTE);
	const { data } = (await rig.result(id)).body;
	expect(data).toMatchObject({ status: 'completed' });
	return (await download(data.outputs[0])).bytes;
}

const startReal = () => startRig({ video: 'real' });
const portrait = (rig: Rig) => rig.upload('p.png', 'image/png', readMedia('portrait.png'));

test.each([
	['480p', 480, 600],
	['720p', 720, 900],
])(
	'a video at %s shows the picture at %i × %i and plays in browsers',
	async (resolution, width, height) => {
		const rig = await startReal();
		const audio = await rig.upload('s.mp3', 'audio/mpeg', readMedia('speech2.mp3'));
		const bytes = await makeVideo(rig, { image: await portrait(rig), audio, resolution });
		const { video, audio: sound } = await inspect(bytes);
		expect(video).toMatchObject({ codec_name: 'h264', profile: 'Main', pix_fmt: 'yuv420p' });
		expect(video).toMatchObject({ width, height });
		expect(sound).toMatchObject({ codec_name: 'aac' });
		// The index comes before the pictures, so that playing can start while it loads.
		expect(bytes.indexOf('moov')).toBeLessThan(bytes.indexOf('mdat'));
		// Sound, not silence of the right length.
		expect(Number(sound.bit_rate)).toBeGreaterThan(20_000);
	},
);

test.each([
	['wav', 'audio/wav', []],
	['ogg', 'audio/ogg', ['-c:a', 'libvorbis']],
	['m4a', 'audio/mp4', ['-c:a', 'aac']],
	['webm', 'audio/webm', ['-c:a', 'libopus']],
	['flac', 'audio/flac', []],
	['opus', 'audio/opus', ['-c:a', 'libopus']],
])('a video from %s lasts as long as the sound, within 0.2 s', async (extension, type, codec) => {
	const voice = join(folder, `voice.${extension}`);
	await run('ffmpeg', ['-v', 'error', '-y', '-i', mediaPath('speech3.mp3'), ...codec, voice]);
	const rig = await startReal();
	const audio = await rig.upload(`v.${extension}`, type, await readFile(voice));
	const bytes = await makeVideo(rig, { image: await portrait(rig), audio });
	const { seconds, audio: sound } = await inspect(bytes);
	expect(Math.abs(seconds - 3.276)).toBeLessThan(0.2);
	expect(Math.abs(Number(sound.duration) - 3.276)).toBeLessThan(0.2);
});

test('a wide picture keeps its shape, with even sides, in any documented format', async () => {
	const picture = join(folder, 'wide.jpg');
	const crop = ['-vf', 'crop=500:301'];
	await run('ffmpeg', ['-v', 'error', '-y', '-i', mediaPath('portrait.png'), ...crop, picture]);
	const rig = await startReal();
	const image = await rig.upload('wide.jpg', 'image/jpeg', await readFile(picture));
	const audio = await rig.upload('s.wav', 'audio/wav', makeWav(1));
	const { video } = await inspect(await makeVideo(rig, { image, audio }));
	expect(video).toMatchObject({ width: 796, height: 480 });
});

test('same picture, voice and resolution give the same file, made once', async () => {
	const rig = await startReal();
	const input = {
		image: await portrait(rig),
		audio: await rig.upload('s.wav', 'audio/wav', makeWav(1)),
	};
	const first = await makeVideo(rig, input);
	expect(sha256(await makeVideo(rig, input))).toBe(sha256(first));
});

test.each([
	['image', Buffer.from('\x89PNG not really', 'latin1'), readMedia('speech2.mp3')],
	['audio', readMedia('portrait2.png'), Buffer.from('ID3 not really')],
])('a task fails if its %s only looks like one', async (what, picture, voice) => {
	const rig = await startReal();
	const image = await rig.upload('a.png', 'image/png', picture);
	const audio = await rig.upload('a.mp3', 'audio/mpeg', voice);
	const { id } = (await rig.submit({ image, audio })).body.data;
	await rig.clock.advance(MINUTE);
	const { data } = (await rig.result(id)).body;
	expect(data).toMatchObject({ status: 'failed', code: 1402 });
	expect(data.error).toContain(`Failed to download ${what}`);
});
