import { execFileSync } from 'node:child_process';

import ffprobe from '@ffprobe-installer/ffprobe';

/** `node scripts/checkVideo.mjs VIDEO VOICE`: is this an H.264 + AAC file, as long as the voice? */

const TOLERANCE_SECONDS = 0.2;

function probe(file) {
	const entries = 'stream=codec_name:format=duration';
	const args = ['-v', 'error', '-of', 'json', '-show_entries', entries, file];
	const { streams, format } = JSON.parse(execFileSync(ffprobe.path, args, { encoding: 'utf8' }));
	const codecs = streams.map(({ codec_name: name }) => name).sort();
	return { codecs, seconds: Number(format.duration) };
}

const [videoFile, voiceFile] = process.argv.slice(2);
const video = probe(videoFile);
const voice = probe(voiceFile);
console.log(
	`${videoFile}: ${video.codecs.join(' + ')}, ${video.seconds} s (voice ${voice.seconds} s)`,
);
const isRight =
	video.codecs.join() === 'aac,h264' &&
	Math.abs(video.seconds - voice.seconds) <= TOLERANCE_SECONDS;
if (!isRight) {
	console.error('Expected aac + h264 and the length of the voice.');
	process.exitCode = 1;
}
