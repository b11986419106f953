import type { SubmitInput } from '../../wavespeed/tasks/submitTask';
import type { Task } from '../../wavespeed/tasks/task';

/**
 * What a task's echoed input says about whose it is. `silent`: nothing either way; no field, another spelling, or files
 * at another host, and such a task may be anybody's.
 */
export type Evidence = 'agrees' | 'contradicts' | 'silent';

/** `isSeedDrawn`: drawn from two thousand million, so that an equal seed alone tells the row. */
export function compareEcho(task: Task, input: SubmitInput, isSeedDrawn: boolean): Evidence {
	const echo = task.input;
	if (!echo) return 'silent';
	const seed = compareSeed(echo.seed, input.seed);
	const image = compareUrl(echo.image, input.image);
	const audio = compareUrl(echo.audio, input.audio);
	if ([seed, image, audio].includes('contradicts')) return 'contradicts';
	if (seed !== 'agrees') return 'silent';
	if (isSeedDrawn) return 'agrees';
	const isSame =
		image === 'agrees' &&
		audio === 'agrees' &&
		normalize(echo.prompt) === normalize(input.prompt) &&
		(echo.resolution ?? input.resolution) === input.resolution;
	return isSame ? 'agrees' : 'silent';
}

/** Some services repeat −1 for "draw one", which is not what was sent here. */
function compareSeed(echo: unknown, seed: number): Evidence {
	if (typeof echo !== 'number' || !Number.isInteger(echo) || echo < 0) return 'silent';
	return echo === seed ? 'agrees' : 'contradicts';
}

/** The service may keep a copy under another address; at the same host another path is another file. */
function compareUrl(echo: unknown, url: string): Evidence {
	if (typeof echo !== 'string' || !URL.canParse(echo) || !URL.canParse(url)) return 'silent';
	const [theirs, ours] = [new URL(echo.trim()), new URL(url)];
	if (theirs.origin !== ours.origin) return 'silent';
	// What stands behind the path may be a signature that is made anew each time, or it may name the file.
	if (theirs.pathname === ours.pathname) return theirs.search === ours.search ? 'agrees' : 'silent';
	return 'contradicts';
}

const normalize = (text: unknown): string =>
	typeof text === 'string' ? text.replace(/\s+/g, ' ').trim() : '';
