import type { INodeProperties } from 'n8n-workflow';

/** No two resources have an operation of the same name, so the name alone tells. */
export type OperationName =
	| 'generate'
	| 'quote'
	| 'submit'
	| 'wait'
	| 'get'
	| 'getAll'
	| 'delete'
	| 'getBalance';

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
