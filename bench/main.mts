/** `npm run bench`: all figures into RESULTS.md; `-- batch`: one section of it; `-- --short`: a few, checked with wide margins. */
import { measureBatches } from './batch.mts';
import { measureBurst } from './burst.mts';
import { measureCrowd } from './crowd.mts';
import { measureFiles } from './files.mts';
import { measureLearning } from './learning.mts';
import { measureLoop } from './loop.mts';
import { measureMemory } from './memory.mts';
import { measureQueue } from './queue.mts';
import { measureParked } from './parked.mts';
import { printSection, type Section, writeSection } from './report.mts';
import { measureScale } from './scale.mts';
import { measureStart } from './start.mts';
import { measureWaiting } from './waiting.mts';
import { settle } from '../nodes/shared/async/settle';

const SECTIONS: Record<string, (isShort: boolean) => Promise<Section>> = {
	batch: measureBatches,
	crowd: measureCrowd,
	waiting: measureWaiting,
	parked: measureParked,
	burst: measureBurst,
	learning: measureLearning,
	loop: measureLoop,
	memory: measureMemory,
	files: measureFiles,
	scale: measureScale,
	queue: measureQueue,
	start: measureStart,
};

/** What needs neither a real n8n nor other packages. */
const SHORT = ['batch', 'crowd', 'waiting', 'memory', 'scale'];

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const isShort = process.argv.includes('--short');
if (isShort) wanted.push(...SHORT);

const results = new URL('RESULTS.md', import.meta.url);
const problems: string[] = [];
for (const [name, measure] of Object.entries(SECTIONS)) {
	if (wanted.length > 0 && !wanted.includes(name)) continue;
	const measured = await settle(measure(isShort));
	if (!measured.ok) {
		problems.push(`${name} could not be measured: ${String(measured.error)}`);
		continue;
	}
	const section = measured.value;
	console.log(`${printSection(section)}\n`);
	if (!isShort) await writeSection(results, name, section, Object.keys(SECTIONS));
	for (const { what, isMet } of section.checks) if (!isMet) problems.push(`Not met: ${what}`);
}
for (const problem of problems) console.error(problem);
// Timers of requests that ended long ago would keep the process for some minutes.
process.exit(problems.length === 0 ? 0 : 1);
