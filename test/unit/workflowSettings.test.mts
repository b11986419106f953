import type { IExecuteFunctions } from 'n8n-workflow';

import { readWorkflowSettings } from '../../nodes/shared/n8n/session/workflowSettings';

const contextOf = (more: Partial<IExecuteFunctions>): IExecuteFunctions =>
	more as IExecuteFunctions;

test('the settings of the workflow are read where n8n tells them, and are empty in n8n 2.0', () => {
	const settings = { saveDataSuccessExecution: 'none' } as const;
	expect(readWorkflowSettings(contextOf({ getWorkflowSettings: () => settings }))).toBe(settings);
	expect(readWorkflowSettings(contextOf({}))).toEqual({});
});
