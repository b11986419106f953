import type { INodeProperties } from 'n8n-workflow';

export type OperationName = 'generate' | 'getAll' | 'get' | 'submit' | 'wait';

/** Stamps the operations on fields, so that none of them has to repeat it. */
export const showFor = (
	operations: OperationName[],
	fields: INodeProperties[],
): INodeProperties[] =>
	fields.map((field) => ({
		...field,
		displayOptions: {
			...field.displayOptions,
			show: { ...field.displayOptions?.show, operation: operations },
		},
	}));
