import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { CDPSession, Page } from 'playwright-core';

import { run } from '../../test/emulator/ffmpeg.mts';

/** A film of a page: the browser hands out a frame whenever something has changed, and ffmpeg joins them. */

/** Loading and waiting are no part of a film: a frame that stands longer is cut to this. */
const LONGEST_FRAME_S = 1.5;

/** n8n wants less than five minutes. On a slow machine what is between the scenes is played faster. */
const LONGEST_FILM_S = 280;

/** Long enough to read a caption and what it speaks of. */
const SCENE_S = 4;

interface Frame {
	file: string;
	at: number;
	/** Seconds that it is to stand, whatever the clock says. */
	stands?: number;
}

export interface Film {
	/** Says below the page what is going to be seen. */
	caption(text: string): Promise<void>;
	/** A picture of what is seen now, which also stands in the film for some seconds. */
	scene(name: string): Promise<void>;
	/** Returns the film's path and its length. */
	finish(): Promise<{ path: string; seconds: number }>;
}

/** Drawn in the page itself, so that it is in film and pictures alike. */
const showCaption = (text: string): string => `(() => {
	const id = 'demo-caption';
	const bar = document.getElementById(id) ?? document.body.appendChild(document.createElement('div'));
	bar.id = id;
	bar.textContent = ${JSON.stringify(text)};
	bar.style.cssText = 'position:fixed;left:0;right:0;bottom:0;z-index:2147483647;padding:10px 24px;' +
		'background:#101330;color:#fff;font:18px/1.4 sans-serif;text-align:center;pointer-events:none';
})()`;

export async function startFilm(page: Page, folder: string): Promise<Film> {
	const framesFolder = join(folder, 'frames');
	await rm(folder, { recursive: true, force: true });
	await mkdir(framesFolder, { recursive: true });
	const frames: Frame[] = [];
	const writes: Promise<void>[] = [];
	let text = '';
	let scenes = 0;

	const add = (data: Buffer, stands?: number): void => {
		const file = join(framesFolder, `${String(frames.length).padStart(5, '0')}.jpg`);
		frames.push({ file, at: Date.now() / 1000, ...(stands === undefined ? {} : { stands }) });
		writes.push(writeFile(file, data));
	};
	const session: CDPSession = await page.context().newCDPSession(page);
	session.on('Page.screencastFrame', ({ data, sessionId }) => {
		add(Buffer.from(data, 'base64'));
		session.send('Page.screencastFrameAck', { sessionId }).catch(() => undefined);
	});
	await session.send('Page.startScreencast', { format: 'jpeg', quality: 80, everyNthFrame: 3 });
	// A caption goes with the page that it was drawn in.
	page.on('domcontentloaded', () => void page.evaluate(showCaption(text)).catch(() => undefined));

	return {
		async caption(next) {
			text = next;
			await page.evaluate(showCaption(text));
		},
		async scene(name) {
			await page.evaluate(showCaption(text));
			scenes += 1;
			const number = String(scenes).padStart(2, '0');
			await page.screenshot({ path: join(folder, `${number}-${name}.png`) });
			add(await page.screenshot({ type: 'jpeg', quality: 80 }), SCENE_S);
			console.log(`${number} ${text}`);
		},
		async finish() {
			await session.send('Page.stopScreencast').catch(() => undefined);
			await Promise.all(writes);
			const path = join(folder, 'demo.mp4');
			const seconds = await joinFrames(frames, framesFolder, path);
			await rm(framesFolder, { recursive: true, force: true });
			return { path, seconds };
		},
	};
}

async function joinFrames(frames: Frame[], folder: string, path: string): Promise<number> {
	const durations = fitInto(LONGEST_FILM_S, frames);
	const list = frames.map(
		({ file }, index) => `file '${file}'\nduration ${durations[index]!.toFixed(3)}`,
	);
	const listFile = join(folder, 'list.txt');
	// ffmpeg forgets the duration of the last file unless it is named once more.
	await writeFile(listFile, [...list, `file '${frames.at(-1)?.file ?? ''}'`].join('\n'));
	await run('ffmpeg', [
		...['-y', '-f', 'concat', '-safe', '0', '-i', listFile],
		...[
			'-vf',
			'fps=10,scale=1440:-2',
			'-c:v',
			'libx264',
			'-preset',
			'veryfast',
			'-pix_fmt',
			'yuv420p',
			path,
		],
	]);
	return durations.reduce((sum, one) => sum + one, 0);
}

/** How long each frame is shown. */
function fitInto(limit: number, frames: Frame[]): number[] {
	const sum = (numbers: number[]): number => numbers.reduce((total, one) => total + one, 0);
	const moving = frames.map(({ at, stands }, index) =>
		stands === undefined ? Math.min(LONGEST_FRAME_S, (frames[index + 1]?.at ?? at) - at) : 0,
	);
	const standing = sum(frames.map(({ stands = 0 }) => stands));
	const speed = Math.max(1, sum(moving) / (limit - standing));
	return frames.map(({ stands }, index) => stands ?? Math.max(0.001, moving[index]! / speed));
}
