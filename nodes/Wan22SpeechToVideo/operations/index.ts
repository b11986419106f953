import type { OperationName } from '../fields/showFor';
import { generate } from './generate.operation';
import { get } from './get.operation';
import { getAll } from './getAll.operation';
import type { Operation } from './operation';
import { submit } from './submit.operation';
import { wait } from './wait.operation';

export const OPERATIONS: Record<OperationName, Operation> = { generate, get, getAll, submit, wait };
