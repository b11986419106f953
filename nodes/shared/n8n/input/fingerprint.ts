import { createHash } from 'node:crypto';

import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';

/** The fields that decide what the video is. The options don't: a longer time limit asks for the same video. */
const ASKING_FIELDS = [
	'imageSource',
	'imageBinaryPropertyName',
	'imageUrl',
	'audioSource',
	'audioBinaryPropertyName',
	'audioUrl',
	'prompt',
	'resolution',
	'seed',
];

/** Half a SHA-256: 10,000 rows don't collide, and what n8n stores stays small. */
const FINGERPRINT_CHARS = 16;

/**
 * What the workflow asks for in a row, as it is written: the node's fields with their expressions, and the incoming
 * item. By what an expression evaluates to, `{{ $now }}` in a prompt would ask for another video in each retry, and
 * each would be paid for.
 */
export function readFingerprint(ctx: IExecuteFunctions, row: number): string {
	const { parameters } = ctx.getNode();
	const fields = ASKING_FIELDS.map((name) => parameters[name] ?? null);
	const item = ctx.getInputData()[row];
	const files = Object.entries(item?.binary ?? {}).map(([name, file]) => [
		name,
		describeFile(file),
	]);
	// n8n's own name for a call of a tool, another one each time that the agent calls.
	const json = Object.entries(item?.json ?? {}).filter(([name]) => name !== 'toolCallId');
	const asked = [fields, json, files, readToolArguments(ctx, row, fields)];
	return createHash('sha256')
		.update(JSON.stringify(asked))
		.digest('hex')
		.slice(0, FINGERPRINT_CHARS);
}

/** A stored file by its place in n8n's storage, which a retry finds again; else by its content. */
const describeFile = ({ id, data, mimeType, fileName }: IBinaryData): unknown[] => [
	id ?? createHash('sha256').update(data).digest('hex'),
	mimeType,
	fileName ?? '',
];

/** How an expression names a value that the model fills in; its name is letters, digits, - and _. */
const FROM_AI = /\$fromAI\s*\(\s*(["'`])([\w-]{1,64})\1/gi;

/** As a tool the incoming item is the agent's, so two calls differ only in what the model has filled in. */
function readToolArguments(ctx: IExecuteFunctions, row: number, fields: unknown[]): unknown[] {
	const written = fields.filter((field) => typeof field === 'string').join('\n');
	const names = [...written.matchAll(FROM_AI)].map(([, , name]) => name ?? '');
	return [...new Set(names)].map((name) => [name, evaluate(ctx, row, `{{ $fromAI("${name}") }}`)]);
}

function evaluate(ctx: IExecuteFunctions, row: number, expression: string): unknown {
	try {
		return ctx.evaluateExpression(expression, row);
	} catch {
		// The field that uses it then fails with n8n's own words.
		return null;
	}
}
