import type { SubmitInput } from '../../wavespeed/tasks/submitTask';
import type { Task } from '../../wavespeed/tasks/task';

/**
 * What a task's echoed input says about whose it is.
 * `agrees`: it can be this row's only. `contradicts`: it can't be. `silent`: nothing is repeated, or nothing that tells
 * rows apart. `differs`: something reads otherwise that a service may well write otherwise, such as a prompt that was cut
 * or a file at another host; it may be this row's, but is not taken for it.
 */
export type Evidence = 'agrees' | 'contradicts' | 'silent' | 'differs';

/** What was sent, and what is known of it. */
export interface Sent {
	input: SubmitInput;
	/** Drawn from two thousand million, so that an equal seed alone tells the row. */
	isSeedDrawn: boolean;
	/** Whether a file of something else is at this address. */
	isOtherFile(url: string): boolean;
}

export function compareEcho(task: Task, { input, isSeedDrawn, isOtherFile }: Sent): Evidence {
	const echo = task.input;
	if (!echo || isBlank(echo)) return 'silent';
	const seed = compareSeed(echo.seed, input.seed);
	// Before the files: the service may keep copies of them, at the same host too.
	if (seed === 'agrees' && isSeedDrawn) return 'agrees';
	const files = [
		compareUrl(echo.image, input.image, isOtherFile),
		compareUrl(echo.audio, input.audio, isOtherFile),
	];
	if ([seed, ...files].includes('contradicts')) return 'contradicts';
	const texts = [
		compareText(echo.prompt, input.prompt, ''),
		compareText(echo.resolution, input.resolution, '480p'),
	];
	const all = [seed, ...files, ...texts];
	if (all.includes('differs')) return 'differs';
	// Of rows that ask for the same with the same seed, any task shows the same video.
	return all.every((evidence) => evidence === 'agrees') ? 'agrees' : 'silent';
}

/** What a server writes that has the fields and not their values: a seed of 0 says nothing then. */
const isBlank = ({ image, audio, seed }: NonNullable<Task['input']>): boolean =>
	[image, audio].every((value) => (value ?? '') === '') && (seed ?? 0) === 0;

/** Some services repeat −1 for "draw one", which is not what was sent here. */
function compareSeed(echo: unknown, seed: number): Evidence {
	if (typeof echo !== 'number' || !Number.isInteger(echo) || echo < 0) return 'silent';
	return echo === seed ? 'agrees' : 'contradicts';
}

/** The service may keep a copy under another address, at the same host too. What is known to be another file is none. */
function compareUrl(echo: unknown, url: string, isOtherFile: Sent['isOtherFile']): Evidence {
	if (typeof echo !== 'string' || echo.trim() === '') return 'silent';
	if (echo.trim() === url) return 'agrees';
	if (isOtherFile(echo.trim())) return 'contradicts';
	if (!URL.canParse(echo.trim()) || !URL.canParse(url)) return 'differs';
	const [theirs, ours] = [new URL(echo.trim()), new URL(url)];
	if (theirs.origin !== ours.origin || theirs.pathname !== ours.pathname) return 'differs';
	// What stands behind the path may be a signature that is made anew each time, or it may name the file.
	return theirs.search === ours.search ? 'agrees' : 'differs';
}

/** A service may leave out what has its default. */
function compareText(echo: unknown, text: string, defaultText: string): Evidence {
	if (typeof echo !== 'string') return text === defaultText ? 'agrees' : 'silent';
	return normalize(echo) === normalize(text) ? 'agrees' : 'differs';
}

const normalize = (text: string): string => text.replace(/\s+/g, ' ').trim();
