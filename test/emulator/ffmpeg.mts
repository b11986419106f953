import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';

/** ffmpeg on a still picture and some speech is quick; more than this means that it hangs. */
const LONGEST_RUN_MS = 10 * 60_000;

const found = new Map<string, Promise<string>>();

/** Runs ffmpeg or ffprobe; ends with the signal. Rejects with the program's own last words. */
export async function run(
	program: 'ffmpeg' | 'ffprobe',
	args: string[],
	signal?: AbortSignal,
): Promise<{ stdout: string; stderr: string }> {
	let path = found.get(program);
	if (!path) {
		path = findProgram(program);
		found.set(program, path);
	}
	return start(await path, args, signal);
}

/** The npm package's binary, which isn't executable if it was installed with npm's scripts off; else the one on PATH. */
async function findProgram(program: 'ffmpeg' | 'ffprobe'): Promise<string> {
	try {
		const installer =
			program === 'ffmpeg'
				? await import('@ffmpeg-installer/ffmpeg')
				: await import('@ffprobe-installer/ffprobe');
		const path = installer.default.path;
		await start(path, ['-version']).catch(async () => {
			await chmod(path, 0o755);
			await start(path, ['-version']);
		});
		return path;
	} catch {
		try {
			await start(program, ['-version']);
			return program;
		} catch {
			throw new Error(
				`No working ${program}: neither the npm package @${program}-installer/${program} nor a ${program} on PATH. ` +
					"Install one, or start the emulator with video 'placeholder'.",
			);
		}
	}
}

function start(path: string, args: string[], signal?: AbortSignal) {
	return new Promise<{ stdout: string; stderr: string }>((resolve, reject) => {
		const options = { signal, timeout: LONGEST_RUN_MS, maxBuffer: 16 * 2 ** 20 };
		execFile(path, args, options, (error, stdout, stderr) => {
			if (!error) return resolve({ stdout, stderr });
			reject(new Error(stderr.trim().split('\n').slice(-3).join(' ') || error.message));
		});
	});
}
