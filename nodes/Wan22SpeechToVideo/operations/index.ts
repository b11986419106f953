import { fail } from '../../shared/wavespeed/failures';
import { deleteTask } from './delete.operation';
import { generate } from './generate.operation';
import { get } from './get.operation';
import { getAll } from './getAll.operation';
import { getBalance } from './getBalance.operation';
import type { Operation } from './operation';
import { quote } from './quote.operation';
import { submit } from './submit.operation';
import { wait } from './wait.operation';

/** By resource, as the editor lists them. */
export const OPERATIONS: Record<string, Record<string, Operation>> = {
	video: { generate, quote },
	task: { submit, wait, get, getAll, delete: deleteTask },
	account: { getBalance },
};

/** The editor offers lists, but a workflow that was written by hand can hold anything there. */
export function findOperation(resource: unknown, name: unknown): Operation {
	const operations = ownValue(OPERATIONS, resource);
	const operation = operations && ownValue(operations, name);
	if (operation) return operation;
	return {
		fields: [],
		holdsPlaces: false,
		plan: async () =>
			operations
				? fail('invalidInput', 'operationUnknown', {
						resource: String(resource),
						operations: Object.keys(operations),
					})
				: fail('invalidInput', 'resourceUnknown', { resources: Object.keys(OPERATIONS) }),
	};
}

const ownValue = <T>(record: Record<string, T>, name: unknown): T | undefined =>
	typeof name === 'string' && Object.hasOwn(record, name) ? record[name] : undefined;
