import { open } from 'node:fs/promises';
import { isRecord } from './answers.mts';
import { run } from './ffmpeg.mts';
import { bareType, kindOfUpload, sniffKind, wavSeconds } from './mediaTypes.mts';
import type { StoredFile, World } from './state.mts';

const HEAD_BYTES = 64 * 1024;
const DEFAULT_AUDIO_SECONDS = 5;

/** Says why a file can't serve as the task's picture or voice; undefined if it can. */
export async function findDefect(
	world: World,
	file: StoredFile,
	wanted: 'image' | 'audio',
): Promise<string | undefined> {
	const defect = `the content is not an ${wanted} (${bareType(file.contentType) || 'no content type'})`;
	const sniffed = sniffKind(await readHead(file.path));
	if (world.options.video === 'placeholder') {
		const kind = kindOfUpload(file.contentType, '');
		const declared = kind === 'video' ? 'audio' : kind;
		return (sniffed ?? declared) === wanted ? undefined : defect;
	}
	if (sniffed !== wanted) return defect;
	try {
		if (wanted === 'audio') await measureAudio(world, file);
		else if (!(await probe(world, file)).types.includes('video')) return defect;
	} catch {
		return defect;
	}
	return undefined;
}

/** Length of the sound in seconds. Rejects if there is none. */
export function measureAudio(world: World, file: StoredFile): Promise<number> {
	let seconds = world.durations.get(file.sha256);
	if (!seconds) {
		seconds =
			world.options.video === 'placeholder'
				? assumeSeconds(world, file)
				: probeSeconds(world, file);
		world.durations.set(file.sha256, seconds);
		seconds.catch(() => world.durations.delete(file.sha256));
	}
	return seconds;
}

async function assumeSeconds(world: World, file: StoredFile): Promise<number> {
	const measured = wavSeconds(await readHead(file.path), file.bytes);
	return measured ?? world.options.audioSeconds ?? DEFAULT_AUDIO_SECONDS;
}

async function probeSeconds(world: World, file: StoredFile): Promise<number> {
	const { types, seconds } = await probe(world, file);
	if (!types.includes('audio')) throw new Error('no sound');
	if (seconds !== undefined) return seconds;
	// What a browser records carries no length (WebM): play it through.
	const decode = ['-i', file.path, '-vn', '-f', 'null', '-'];
	const { stderr } = await run('ffmpeg', decode, world.closing.signal);
	const time = [...stderr.matchAll(/time=(\d+):(\d+):([\d.]+)/g)].at(-1);
	if (!time) throw new Error('no length');
	return Number(time[1]) * 3600 + Number(time[2]) * 60 + Number(time[3]);
}

async function probe(world: World, file: StoredFile) {
	const args = ['-v', 'error', '-show_format', '-show_streams', '-of', 'json', file.path];
	const { stdout } = await run('ffprobe', args, world.closing.signal);
	const shown: unknown = JSON.parse(stdout);
	const streams =
		isRecord(shown) && Array.isArray(shown.streams) ? shown.streams.filter(isRecord) : [];
	const format = isRecord(shown) && isRecord(shown.format) ? shown.format : {};
	const seconds = Number(format.duration);
	return {
		types: streams.map((stream) => stream.codec_type),
		seconds: Number.isFinite(seconds) && seconds > 0 ? seconds : undefined,
	};
}

async function readHead(path: string): Promise<Buffer> {
	const handle = await open(path);
	try {
		const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
		return buffer.subarray(0, bytesRead);
	} finally {
		await handle.close();
	}
}
