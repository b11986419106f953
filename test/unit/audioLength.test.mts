import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
	LENGTH_HEAD_BYTES,
	readAudioSeconds,
} from '../../nodes/shared/wavespeed/media/audioLength';
import { run } from '../emulator/ffmpeg.mts';

/** Real files, written by ffmpeg. */
let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'audio-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function make(name: string, seconds: number, args: string[] = []): Promise<Buffer> {
	const file = join(folder, name);
	const source = ['-f', 'lavfi', '-i', `anullsrc=r=8000:cl=mono`, '-t', String(seconds)];
	const { signal } = new AbortController();
	await run('ffmpeg', ['-v', 'error', '-y', ...source, ...args, file], signal);
	return readFileSync(file);
}

const secondsOf = (file: Buffer): number | undefined =>
	readAudioSeconds(file.subarray(0, LENGTH_HEAD_BYTES), file.length);

describe('the length of a recording', () => {
	it.each<[string, number, string[]]>([
		['a.wav', 125.5, []],
		['b.wav', 3, ['-c:a', 'pcm_f32le', '-ar', '44100', '-ac', '2']],
		['c.wav', 3, ['-c:a', 'pcm_mulaw']],
		['d.wav', 3, ['-metadata', `title=${'x'.repeat(1000)}`]],
		['e.flac', 125.5, []],
		['f.flac', 3, ['-ar', '96000', '-ac', '2']],
	])('is told by the header of %s', async (name, seconds, args) => {
		expect(secondsOf(await make(name, seconds, args))).toBeCloseTo(seconds, 3);
	});

	it('is that of the bytes which are there, where the header promises more or nothing', async () => {
		const wav = await make('g.wav', 10);
		const at = wav.indexOf('data') + 4;
		for (const size of [0, 0xffff_ffff]) {
			wav.writeUInt32LE(size, at);
			expect(secondsOf(wav)).toBeCloseTo(10, 3);
		}
		expect(secondsOf(wav.subarray(0, wav.length - 80_000))).toBeCloseTo(5, 3);
	});

	it.each<[string, string[]]>([
		['h.mp3', []],
		['i.m4a', []],
		['j.ogg', ['-c:a', 'libvorbis']],
		['k.wav', ['-c:a', 'adpcm_ms']],
	])('is not guessed for %s', async (name, args) => {
		expect(secondsOf(await make(name, 3, args))).toBeUndefined();
	});

	it('is not told by what is cut off, contradicts itself or is no recording', async () => {
		const wav = await make('l.wav', 3);
		const flac = await make('m.flac', 3);
		for (let length = 0; length < 44; length += 1) {
			expect(secondsOf(wav.subarray(0, length))).toBeUndefined();
		}
		for (let length = 0; length < 26; length += 1) {
			expect(secondsOf(flac.subarray(0, length))).toBeUndefined();
		}
		const odd = Buffer.from(wav);
		odd.writeUInt32LE(7, odd.indexOf('fmt ') + 16);
		expect(secondsOf(odd)).toBeUndefined();
		expect(secondsOf(Buffer.from('RIFF....WAVEjunk'))).toBeUndefined();
		const unknown = Buffer.from(flac);
		unknown.fill(0, 21, 26);
		expect(secondsOf(unknown)).toBeUndefined();
	});
});
