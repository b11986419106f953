import type { IExecuteFunctions, IWorkflowSettings } from 'n8n-workflow';

/** The settings of the workflow; none where n8n is too old to tell a node (before 2.5). */
export const readWorkflowSettings = (ctx: IExecuteFunctions): IWorkflowSettings =>
	'getWorkflowSettings' in ctx ? ctx.getWorkflowSettings() : {};
