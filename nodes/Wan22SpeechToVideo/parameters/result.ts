import { readDownloadField } from '../../shared/n8n/output/downloadVideo';
import type { ResultSettings } from '../../shared/n8n/output/taskItem';
import type { ParameterReader } from '../../shared/n8n/input/parameters';
import { fail } from '../../shared/wavespeed/failures';

/** How the result of a row is to look. */
export function readResultSettings({ flag, options }: ParameterReader): ResultSettings {
	const failedTasks = options.text('failedTasks', 'If a Video Fails') ?? 'error';
	if (failedTasks !== 'error' && failedTasks !== 'output') {
		fail(
			'invalidInput',
			'wrongValue',
			{
				...{ label: 'If a Video Fails', isOption: true, given: failedTasks },
				wanted: { what: 'choice', choices: ['error', 'output'] },
			},
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
