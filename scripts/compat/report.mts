import { writeFile } from 'node:fs/promises';

import { isRecord } from '../../nodes/shared/json';
import { listAt, textAt, valueAt } from '../n8n/shape.mts';

/** Words for the table of docs/compatibility.md. */

const FAILED = 'FAILED: ';

/** What the scenario says, or what went wrong in it: one that fails must not hide the others. */
export async function runScenario(work: () => Promise<string>): Promise<string> {
	try {
		return await work();
	} catch (error) {
		return FAILED + (error instanceof Error ? error.message : String(error));
	}
}

export const isFailure = (cell: string): boolean =>
	cell.includes(FAILED) || /\d failed|did not run|could not be|LOST/.test(cell);

/** Prints what was found and writes it into the file that `main.mts` reads. */
export async function report(title: string, results: Record<string, string>): Promise<void> {
	console.log(title);
	for (const [name, result] of Object.entries(results)) console.log(`  ${name}: ${result}`);
	const [, , file] = process.argv;
	if (file) await writeFile(file, JSON.stringify(results));
}

const numberAt = (value: unknown, name: string): number => {
	const found = valueAt(value, name);
	return typeof found === 'number' ? found : 0;
};

/** The reasons that stand in the titles of skipped tests, each with how many there are. */
function countSkipped(result: unknown): string[] {
	const titles = listAt(result, 'testResults')
		.flatMap((file) => listAt(file, 'assertionResults'))
		.filter((test) => textAt(test, 'status') === 'pending')
		.map((test) => textAt(test, 'fullName') ?? '');
	const counts = new Map<string, number>();
	for (const title of titles) {
		const reason = /\[skipped .*?: (.*)\]$/.exec(title)?.[1] ?? 'no reason given';
		counts.set(reason, (counts.get(reason) ?? 0) + 1);
	}
	return [...counts].map(([reason, count]) => `${count} skipped: ${reason}`);
}

/** What jest's JSON says of the engine tests. */
export function describeEngine(result: unknown): string {
	const passed = numberAt(result, 'numPassedTests');
	const failed = numberAt(result, 'numFailedTests') + numberAt(result, 'numRuntimeErrorTestSuites');
	if (!isRecord(result) || passed === 0) return 'did not run';
	const skipped = countSkipped(result);
	return [`${passed} passed`, ...(failed > 0 ? [`${failed} failed`] : []), ...skipped].join('; ');
}

const QUEUE_WORDS: Record<string, string> = {
	generate: '*Generate*',
	trigger: 'trigger',
	parked: '*Parked*',
	stopMode: 'a failed row',
	byWorkflow: 'not saved by the workflow',
	byInstance: 'not saved by the instance',
};

/** What the run in queue mode has found. */
export function describeQueue(result: unknown): string {
	if (!isRecord(result)) return 'did not run';
	return Object.entries(QUEUE_WORDS)
		.map(([name, words]) => `${words}: ${textAt(result, name) ?? 'did not run'}`)
		.join('; ');
}
