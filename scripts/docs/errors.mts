import { describe, describeWhatToDo } from '../../nodes/shared/n8n/errors/messages';
import {
	type Failure,
	type FailureKind,
	type FailureReason,
	makeFailure,
} from '../../nodes/shared/wavespeed/failures';
import { EXAMPLES } from './errorExamples.mts';

/** docs/errors.md: what the node says for every reason that it knows. */

/** Null: never shown, since these end the other rows' waits inside the node. */
const HEADINGS: Record<FailureKind, string | null> = {
	invalidInput: 'Found before anything was sent: nothing was paid',
	credential: 'The key',
	costLimit: 'A cost limit that you have set',
	refused: 'WaveSpeed refused the request',
	rateLimited: 'Too many requests',
	unavailable: 'WaveSpeed could not be reached or gave no usable answer',
	submitUnknown: 'A submit without a clear answer: a task may exist',
	waitTimedOut: 'A task whose end was not seen',
	taskFailed: 'The task ended without a video',
	downloadFailed: 'The video exists but could not be fetched',
	stopped: 'Stop',
	abandoned: null,
	parked: null,
};

const INTRODUCTION = `# Error messages

Written by \`npm run docs\` from the messages in the node's source; don't edit by hand. ‹Names in angle brackets› are
filled in at run time; files, prices and times are examples. In a batch a message ends with its row, such as "Row 7",
and with its task; the text below goes on with the IDs of the tasks that the other rows have started. What happens step
by step when the service fails is in [faults.md](faults.md).`;

/** Every example as a failure. */
export function makeExamples(): Failure[] {
	return (Object.keys(EXAMPLES) as FailureReason[]).flatMap((reason) => {
		const [kind, facts, paid] = EXAMPLES[reason];
		return facts.map((one) => makeFailure(kind, reason, one, paid && { paid }));
	});
}

const cell = (text: string): string =>
	text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll(/\s+/g, ' ').trim();

export function writeErrors(): string {
	const failures = makeExamples();
	const sections = Object.entries(HEADINGS).flatMap(([kind, heading]) => {
		if (heading === null) return [];
		const rows = failures
			.filter((failure) => failure.kind === kind)
			.map(
				(failure) => `| ${cell(describe(failure).message)} | ${cell(describeWhatToDo(failure))} |`,
			);
		const table = [...new Set(rows)].join('\n');
		return [`## ${heading}\n\n| What it says | What to do |\n| --- | --- |\n${table}`];
	});
	return `${[INTRODUCTION, ...sections].join('\n\n')}\n`;
}
