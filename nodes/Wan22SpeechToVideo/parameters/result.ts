import { readDownloadField } from '../../shared/n8n/output/downloadVideo';
import type { ResultSettings } from '../../shared/n8n/output/taskItem';
import type { ParameterReader } from '../../shared/n8n/input/parameters';
import { fail } from '../../shared/wavespeed/failures';
import { shorten } from '../../shared/text';

/** How the result of a row is to look. */
export function readResultSettings({ flag, options }: ParameterReader): ResultSettings {
	const failedTasks = options.text('failedTasks', 'If a Video Fails') ?? 'error';
	if (failedTasks !== 'error' && failedTasks !== 'output') {
		fail(
			'invalidInput',
			`"If a Video Fails" must be "error" or "output", not "${shorten(failedTasks, 60)}"`,
			`Correct the field, or the expression in it.`,
			{ details: { parameter: 'options.failedTasks' } },
		);
	}
	return {
		simplify: flag('simplify'),
		includeInputFields: options.flag('includeInputFields'),
		failedTasks,
		downloadTo: readDownloadField(options),
	};
}
