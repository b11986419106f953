import { createHash } from 'node:crypto';

import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';

import type { AskedField, Sources } from '../../batch/asked';
import type { VideoRequest } from '../../batch/request';
import { isRecord } from '../../json';

/** The parameters that decide what the video is. The options don't: a longer time limit asks for the same video. */
const PARAMETERS_OF: Record<AskedField, string[]> = {
	image: ['imageSource', 'imageBinaryPropertyName', 'imageUrl'],
	audio: ['audioSource', 'audioBinaryPropertyName', 'audioUrl'],
	prompt: ['prompt'],
	resolution: ['resolution'],
	seed: ['seed'],
};

/** How an expression names a value that the model fills in; its name is letters, digits, - and _. */
const FROM_AI = /\$fromAI\s*\(\s*(["'`])([\w-]{1,64})\1/gi;

/** Half a SHA-256: 10,000 rows don't collide, and what n8n stores stays small. */
const FINGERPRINT_CHARS = 16;

/**
 * What the workflow asks for in a row, as it is written: the node's fields with their expressions, and the incoming
 * item. By what an expression evaluates to, `{{ $now }}` in a prompt would ask for another video in each retry, and
 * each would be paid for.
 */
export function readFingerprint(
	ctx: IExecuteFunctions,
	row: number,
	isTool: boolean,
): Pick<VideoRequest, 'fingerprint' | 'sources'> {
	const written = readWritten(ctx);
	const given = readGiven(ctx, row, Object.values(written).flat());
	return {
		fingerprint: toText([written, given], FINGERPRINT_CHARS),
		sources: toSources(written, toText(given, FINGERPRINT_CHARS), isTool),
	};
}

type Written = Record<AskedField, unknown[]>;

function readWritten(ctx: IExecuteFunctions): Written {
	const { parameters } = ctx.getNode();
	const read = (field: AskedField): unknown[] =>
		PARAMETERS_OF[field].map((name) => parameters[name] ?? null);
	return {
		image: read('image'),
		audio: read('audio'),
		prompt: read('prompt'),
		resolution: read('resolution'),
		seed: read('seed'),
	};
}

/** The incoming item, and what a model has filled in. */
function readGiven(ctx: IExecuteFunctions, row: number, fields: unknown[]): unknown[] {
	const item = ctx.getInputData()[row];
	const files = Object.entries(item?.binary ?? {}).map(([name, file]) => [
		name,
		describeFile(file),
	]);
	// n8n's own name for a call of a tool, another one each time that the agent calls.
	const json = { ...item?.json, toolCallId: undefined };
	return [json, files, readToolArguments(ctx, row, fields)];
}

/**
 * The same incoming item gives a row the same values, but for what a clock or a die gives. Not so as a tool: whichever
 * customer's turn it is in a loop, the agent's call may look the same, and other nodes' data differ. So there a field that
 * reads any data has no source, and only an equal value is the same.
 */
function toSources(written: Written, given: string, isTool: boolean): Sources {
	const sourceOf = (field: AskedField): string | undefined =>
		isTool && readsData(field, written[field]) ? undefined : toJson([written[field], given]);
	return {
		image: sourceOf('image'),
		audio: sourceOf('audio'),
		prompt: sourceOf('prompt'),
		resolution: sourceOf('resolution'),
		seed: sourceOf('seed'),
	};
}

/** Whatever n8n hands to an expression begins with `$`; these read no data of the workflow, nor does a price in a text. */
const READS_DATA = /\$(?!(?:now|today)\b|\{|\d)|\bthis\b|\\[xu]/i;

/** A file is taken from the item, whatever its field is called. What the model has filled in is known. */
const readsData = (field: AskedField, written: unknown[]): boolean =>
	((field === 'image' || field === 'audio') && written[0] !== 'url') ||
	written.some((part) => READS_DATA.test(toCode(part).replace(FROM_AI, '')));

/** What may be code: all that follows a first `{{`. */
const toCode = (part: unknown): string =>
	typeof part === 'string' && part.includes('{{') ? part.slice(part.indexOf('{{')) : '';

/** The keys in one order: a model fills in its arguments in any order. */
const toJson = (value: unknown): string =>
	JSON.stringify(value, (_, part: unknown) => (isRecord(part) ? sortKeys(part) : part));

const sortKeys = (record: Record<string, unknown>): Record<string, unknown> =>
	Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

const toText = (value: unknown, chars: number): string =>
	createHash('sha256').update(toJson(value)).digest('hex').slice(0, chars);

/** A stored file by its place in n8n's storage, which a retry finds again; else by its content. */
const describeFile = ({ id, data, mimeType, fileName }: IBinaryData): unknown[] => [
	id ?? createHash('sha256').update(data).digest('hex'),
	mimeType,
	fileName ?? '',
];

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
