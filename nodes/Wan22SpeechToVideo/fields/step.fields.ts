import type { INodeProperties } from 'n8n-workflow';

/** Set by the node itself in the executions that wait for a parked run; nothing that a user chooses. */
export const stepField: INodeProperties = {
	displayName: 'Parked Step',
	name: 'parkedStep',
	type: 'hidden',
	default: '',
};
