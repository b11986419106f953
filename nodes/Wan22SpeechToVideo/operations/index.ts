import { fail } from '../../shared/wavespeed/failures';
import type { OperationName } from '../fields/showFor';
import { generate } from './generate.operation';
import { get } from './get.operation';
import { getAll } from './getAll.operation';
import type { Operation } from './operation';
import { submit } from './submit.operation';
import { wait } from './wait.operation';

export const OPERATIONS: Record<OperationName, Operation> = { generate, get, getAll, submit, wait };

/** The editor offers a list, but a workflow that was written by hand can hold anything there. */
export const planOf = (name: unknown): Operation['plan'] =>
	typeof name === 'string' && Object.hasOwn(OPERATIONS, name)
		? OPERATIONS[name as OperationName].plan
		: refuseOperation;

const refuseOperation: Operation['plan'] = async () =>
	fail(
		'invalidInput',
		`"Operation" must be one of: ${Object.keys(OPERATIONS).join(', ')}`,
		`Choose one in the list.`,
	);
