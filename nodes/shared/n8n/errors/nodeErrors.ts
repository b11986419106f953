import {
	type IDataObject,
	type IExecuteFunctions,
	type INode,
	type INodeExecutionData,
	NodeApiError,
	NodeOperationError,
} from 'n8n-workflow';
import * as n8nWorkflow from 'n8n-workflow';

import {
	type Failure,
	type FailureDetails,
	failureOf,
	makeFailure,
} from '../../wavespeed/failures';
import { isRecord } from '../../json';
import { shorten } from '../../text';
import { toDataObject } from '../dataObject';
import { describeFailure, describeWhatToDo, describeWhere } from './messages';
import { NEEDS_SECRET, type TaskOfRow } from './messages/run';
import { addToRow } from '../output/rowFields';

/** A row that failed, with what made it fail. */
export interface FailedRow {
	row: number;
	error: unknown;
}

/** Why an operation failed, in the words that n8n 2.41 and later read; older versions ignore it. */
const CAUSES: Partial<Record<Failure['kind'], string>> = {
	credential: 'credential-invalid',
	rateLimited: 'rate-limited',
};

/**
 * The n8n error for a failed row. `rowCount` decides whether the message has to name the row; `notes` are further
 * sentences for the description.
 */
export function toNodeError(
	node: INode,
	{ row, error }: FailedRow,
	rowCount: number,
	notes: string[] = [],
): Error {
	const failure = failureOf(error);
	if (!failure) return describeUnexpected(node, row, error);

	const message = describeWhere(failure, rowCount > 1 ? row : undefined);
	const description = [describeWhatToDo(failure), ...notes].filter((text) => text !== '').join(' ');
	const isFromService = failure.httpStatus !== undefined;
	const options = { message, description, itemIndex: row };
	const nodeError = isFromService
		? new NodeApiError(node, { message }, { ...options, httpCode: String(failure.httpStatus) })
		: new NodeOperationError(node, message, options);
	// n8n replaces messages that contain the name of a network error by its own, some of which advise a retry.
	nodeError.message = message;
	nodeError.description = description;
	nodeError.context.data = toDataObject({ ...failure.details });
	const cause = CAUSES[failure.kind];
	if (cause) Object.assign(nodeError, { failure: { cause } });
	return nodeError;
}

/** Why a trigger can't be switched on. */
export function toActivationError(node: INode, error: unknown): Error {
	const isInput = failureOf(error)?.kind === 'invalidInput';
	const nodeError = toNodeError(node, { row: 0, error }, 1, isInput ? [] : [NEEDS_SECRET]);
	// There are no rows here that the editor could point at.
	if ('context' in nodeError && isRecord(nodeError.context)) delete nodeError.context.itemIndex;
	return nodeError;
}

/** An expression that can't be evaluated, missing credentials, or a mistake in this node. */
function describeUnexpected(node: INode, row: number, error: unknown): Error {
	if (!(error instanceof Error)) {
		return new NodeOperationError(node, String(error), { itemIndex: row });
	}
	const context = 'context' in error ? error.context : undefined;
	if (typeof context === 'object' && context !== null) Object.assign(context, { itemIndex: row });
	return context === undefined ? new NodeOperationError(node, error, { itemIndex: row }) : error;
}

/**
 * The item for a failed row under Continue On Fail. n8n routes it to the error branch by these two keys alone;
 * `item.error` would make n8n throw the details away. On the error branch n8n adds the row's own fields.
 */
export function toErrorItem(
	ctx: IExecuteFunctions,
	failed: FailedRow,
	includeInputFields: boolean,
): INodeExecutionData {
	const inputFields = includeInputFields ? ctx.getInputData()[failed.row]?.json : undefined;
	return makeErrorItem(ctx.getNode(), failed, inputFields);
}

/** `inputFields`: the row's own, if they are wanted. */
export function makeErrorItem(
	node: INode,
	{ row, error }: FailedRow,
	inputFields: IDataObject | undefined,
): INodeExecutionData {
	const failure = failureOf(error) ?? readExpressionError(error);
	const text = failure ? describeFailure(failure) : describeUnexpected(node, row, error).message;
	const details = { ...failure?.details };
	const errorJson = toErrorJson(node, text, details);
	const json =
		inputFields === undefined || node.onError === 'continueErrorOutput'
			? errorJson
			: addToRow(inputFields, errorJson, { ...toDataObject(details), error: text });
	return { json, pairedItem: { item: row } };
}

const MOST_DESCRIPTION_CHARS = 300;

/**
 * n8n's own error for an expression says only what is wrong; where, and what to do, stands beside it, where an error row
 * would lose it.
 */
function readExpressionError(error: unknown): Failure | undefined {
	if (!(error instanceof Error) || !('context' in error) || !isRecord(error.context))
		return undefined;
	const { parameter, nodeCause } = error.context;
	if (typeof parameter !== 'string') return undefined;
	const description = 'description' in error ? error.description : undefined;
	const words = typeof description === 'string' ? description.replace(/<[^>]*>/g, '') : '';
	const where = typeof nodeCause === 'string' ? shorten(nodeCause, 60) : undefined;
	const facts = {
		...{ parameter, said: error.message.replace(/\.$/, ''), where },
		why: shorten(words, MOST_DESCRIPTION_CHARS),
	};
	// A task of the row stands among the options, none of which can be read then.
	const paid = parameter === 'options' ? 'nothingByThisAttempt' : 'nothing';
	return makeFailure('invalidInput', 'badExpression', facts, { details: { parameter }, paid });
}

/** n8n's own error, such as of an expression, has no room for what the row has. */
export const toFailure = (error: unknown): Failure =>
	failureOf(error) ??
	readExpressionError(error) ??
	makeFailure('invalidInput', 'unexpected', {
		text: error instanceof Error ? error.message : String(error),
	});

/**
 * What an error row says, wherever it is made. Before 2.36 n8n sends rows with `details` to the regular output, also
 * where there is an error branch: there the text alone has to name the task.
 */
export const toErrorJson = (
	{ onError }: INode,
	error: string,
	details: FailureDetails,
): IDataObject =>
	onError === 'continueErrorOutput' && !ROUTES_DETAILS
		? { error: nameTask(error, details) }
		: { error, details: toDataObject(details) };

/** Some texts leave the ID to the details, such as that of a key which was refused while a task ran. */
export function nameTask(text: string, { taskId, candidateTaskIds = [] }: FailureDetails): string {
	const missing = [...(taskId === undefined ? [] : [taskId]), ...candidateTaskIds].filter(
		(id) => !text.includes(id),
	);
	return missing.length === 0 ? text : `${text} Task ID: ${missing.join(', ')}`;
}

/**
 * A node can't ask n8n for its version. The first of these came with 2.36, the others with 2.39: more than one, so that
 * a later version may drop some of them.
 */
const ROUTES_DETAILS = ['redactedHeaders', 'toPathSegment', 'getConfiguredEndpointUrl'].some(
	(name) => name in n8nWorkflow,
);

/** The node's error with the tasks of the other rows, for people and for machines. */
export function toRunError(
	node: INode,
	first: FailedRow,
	rowCount: number,
	{ others, notes }: { others: TaskOfRow[]; notes: string[] },
): Error {
	const error = toNodeError(node, first, rowCount, notes);
	if (others.length > 0 && 'context' in error && typeof error.context === 'object') {
		Object.assign(error.context ?? {}, { otherTasks: others });
	}
	return error;
}
