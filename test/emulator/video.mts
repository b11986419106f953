import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './ffmpeg.mts';
import { measureAudio } from './probe.mts';
import { newId, type Task, type World } from './state.mts';

const ASSETS = fileURLToPath(new URL('./assets/', import.meta.url));
/** The model draws 16 frames per second (Wan 2.2 documentation). */
const FRAMES_PER_SECOND = 16;
const LONGEST_SIDE = 4096;

/** The task's MP4, made when it is first asked for; same picture, voice and resolution: same file. */
export async function renderVideo(world: World, task: Task): Promise<string> {
	// A task that was finished by hand may still be fetching, or never have started.
	await task.media;
	const { image, audio } = task;
	if (world.options.video === 'placeholder' || !image || !audio) {
		return join(ASSETS, 'placeholder.mp4');
	}
	const resolution = task.input.resolution ?? '480p';
	const key = `${image.sha256} ${audio.sha256} ${resolution}`;
	let video = world.videos.get(key);
	if (!video) {
		const path = join(world.folder, `${newId()}.mp4`);
		const seconds = measureAudio(world, audio);
		video = seconds.then((length) =>
			render(world, { image: image.path, audio: audio.path, seconds: length, resolution, path }),
		);
		world.videos.set(key, video);
		video.catch(() => world.videos.delete(key));
	}
	return video;
}

async function render(
	world: World,
	job: { image: string; audio: string; seconds: number; resolution: string; path: string },
): Promise<string> {
	const frame = `${job.path}.png`;
	const partial = `${job.path}.part`;
	const signal = world.closing.signal;
	// One frame first: scaling and the label are then done once, and any picture format will do.
	const side = job.resolution === '720p' ? 720 : 480;
	const size =
		`scale=w='if(lt(iw,ih),${side},min(${LONGEST_SIDE},trunc(${side}*iw/ih/2)*2))'` +
		`:h='if(lt(iw,ih),min(${LONGEST_SIDE},trunc(${side}*ih/iw/2)*2),${side})'`;
	const filter = `[0:v]${size},setsar=1[picture];[picture][1:v]overlay=8:8,format=rgb24`;
	const label = join(ASSETS, 'label.png');
	const still = ['-i', job.image, '-i', label, '-filter_complex', filter, '-frames:v', '1'];
	await run('ffmpeg', ['-v', 'error', '-y', ...still, frame], signal);
	// Main profile, 4:2:0 and the index in front: what browsers play while it loads.
	const encode = [
		['-loop', '1', '-framerate', String(FRAMES_PER_SECOND), '-i', frame, '-i', job.audio],
		['-map', '0:v:0', '-map', '1:a:0', '-t', job.seconds.toFixed(3)],
		['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'stillimage', '-crf', '26'],
		['-profile:v', 'main', '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '96k', '-ar', '44100'],
		['-movflags', '+faststart', '-f', 'mp4', partial],
	];
	await run('ffmpeg', ['-v', 'error', '-y', ...encode.flat()], signal);
	await rename(partial, job.path);
	return job.path;
}
