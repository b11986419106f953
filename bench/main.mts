/** `npm run bench`: all figures into RESULTS.md; `-- --short`: a few, checked with wide margins; `-- batch`: one section. */
import { measureBatches } from './batch.mts';
import { measureLearning } from './learning.mts';
import { measureLoop } from './loop.mts';
import { measureMemory } from './memory.mts';
import { measureQueue } from './queue.mts';
import { printSection, type Section, writeResults } from './report.mts';
import { measureScale } from './scale.mts';
import { measureStart } from './start.mts';
import { measureWaiting } from './waiting.mts';

const SECTIONS: Record<string, (isShort: boolean) => Promise<Section>> = {
	batch: measureBatches,
	waiting: measureWaiting,
	learning: measureLearning,
	loop: measureLoop,
	memory: measureMemory,
	scale: measureScale,
	queue: measureQueue,
	start: measureStart,
};

/** What needs neither a real n8n nor other packages. */
const SHORT = ['batch', 'waiting', 'memory', 'scale'];

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isShort = process.argv.includes('--short');
if (isShort) wanted.push(...SHORT);

const sections: Section[] = [];
for (const [name, measure] of Object.entries(SECTIONS)) {
	if (wanted.length > 0 && !wanted.includes(name)) continue;
	const section = await measure(isShort);
	sections.push(section);
	console.log(`${printSection(section)}\n`);
}
if (!isShort && wanted.length === 0) {
	await writeResults(new URL('RESULTS.md', import.meta.url), sections);
}
const missed = sections.flatMap(({ checks }) => checks).filter(({ isMet }) => !isMet);
for (const { what } of missed) console.error(`Not met: ${what}`);
// Timers of requests that ended long ago would keep the process for some minutes.
process.exit(missed.length === 0 ? 0 : 1);
