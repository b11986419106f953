import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import ts from 'typescript';

/**
 * The error messages of the node, read from its source: whatever is handed to `fail` and whatever has a `kind`, a `message` and
 * an `advice`. What is known only at run time stands as ‹name›.
 */

export interface ErrorMessage {
	/** A `FailureKind`. */
	kind: string;
	message: string;
	advice: string;
}

/** In the order in which a row can meet them. */
const KINDS: Record<string, string> = {
	invalidInput: 'Found before anything was sent: nothing was paid',
	credential: 'The key',
	costLimit: 'A cost limit that you have set',
	refused: 'WaveSpeed refused the request',
	rateLimited: 'Too many requests',
	unavailable: 'WaveSpeed could not be reached or gave no usable answer',
	submitUnknown: 'A submit without a clear answer: a task may exist',
	taskFailed: 'The task ended without a video',
	waitTimedOut: 'The time limit of the wait',
	downloadFailed: 'The video exists but could not be fetched',
	stopped: 'Stop',
};

/** Never shown: they end the other rows' waits inside the node. */
const INTERNAL = ['abandoned', 'parked'];

/** As in nodes/shared/wavespeed/failures.ts. */
const COSTS_NOTHING = [
	'invalidInput',
	'credential',
	'refused',
	'rateLimited',
	'unavailable',
	'costLimit',
];

type Scope = Map<string, ts.Expression | ts.FunctionLikeDeclaration>;

/** The texts that an expression can give. A name that leads nowhere stands for a value of run time. */
function textsOf(expression: ts.Expression, scope: Scope, depth = 0): string[] {
	const go = (inner: ts.Expression): string[] => textsOf(inner, scope, depth + 1);
	if (depth > 8) return ['‹…›'];
	if (ts.isStringLiteral(expression) || ts.isNoSubstitutionTemplateLiteral(expression)) {
		return [expression.text];
	}
	if (ts.isParenthesizedExpression(expression)) return go(expression.expression);
	if (ts.isConditionalExpression(expression)) {
		const both = [...go(expression.whenTrue), ...go(expression.whenFalse)];
		// A part that may be left out is shown.
		return both.some((text) => text !== '') ? both.filter((text) => text !== '') : both;
	}
	if (ts.isBinaryExpression(expression)) {
		if (expression.operatorToken.kind !== ts.SyntaxKind.PlusToken) return go(expression.left);
		return go(expression.left).flatMap((left) => go(expression.right).map((right) => left + right));
	}
	if (ts.isTemplateExpression(expression)) {
		return expression.templateSpans.reduce(
			(before, { expression: hole, literal }) =>
				before.flatMap((text) => go(hole).map((filled) => text + filled + literal.text)),
			[expression.head.text],
		);
	}
	if (ts.isIdentifier(expression)) {
		const found = scope.get(expression.text);
		if (found && !ts.isFunctionLike(found) && isText(found)) return go(found as ts.Expression);
		return [`‹${inWords(expression.text)}›`];
	}
	if (ts.isCallExpression(expression) && ts.isIdentifier(expression.expression)) {
		const called = scope.get(expression.expression.text);
		if (called && ts.isFunctionLike(called)) {
			const returned = returnsOf(called as ts.FunctionLikeDeclaration).filter(isText);
			if (returned.length > 0) return returned.flatMap(go);
		}
		return [`‹${inWords(expression.expression.text)}›`];
	}
	if (ts.isPropertyAccessExpression(expression)) return [`‹${inWords(expression.name.text)}›`];
	if (ts.isCallExpression(expression) && expression.expression.getText().startsWith('Math.')) {
		return expression.arguments.slice(0, 1).flatMap((argument) => go(argument));
	}
	if (ts.isCallExpression(expression) && ts.isPropertyAccessExpression(expression.expression)) {
		return go(expression.expression.expression);
	}
	return ['‹…›'];
}

const isText = (node: ts.Node): boolean =>
	ts.isStringLiteral(node) ||
	ts.isNoSubstitutionTemplateLiteral(node) ||
	ts.isTemplateExpression(node) ||
	(ts.isConditionalExpression(node) && isText(node.whenTrue) && isText(node.whenFalse));

/** `failureReason` → "failure reason"; the words of the code are plain ones. */
const inWords = (name: string): string =>
	name
		.replace(/^(describe|to|name|list)(?=[A-Z])/, '')
		.replace(/([a-z])([A-Z])/g, '$1 $2')
		.toLowerCase();

function returnsOf(declaration: ts.FunctionLikeDeclaration): ts.Expression[] {
	const found: ts.Expression[] = [];
	if (declaration.body && !ts.isBlock(declaration.body)) return [declaration.body];
	const visit = (node: ts.Node): void => {
		if (ts.isReturnStatement(node) && node.expression) found.push(node.expression);
		if (!ts.isFunctionLike(node)) ts.forEachChild(node, visit);
	};
	if (declaration.body) ts.forEachChild(declaration.body, visit);
	return found;
}

function readScope(source: ts.SourceFile, scope: Scope): Scope {
	const visit = (node: ts.Node): void => {
		if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer) {
			const { initializer } = node;
			if (isText(initializer) || ts.isArrowFunction(initializer)) {
				scope.set(node.name.text, initializer);
			}
		}
		if (ts.isFunctionDeclaration(node) && node.name) scope.set(node.name.text, node);
		ts.forEachChild(node, visit);
	};
	visit(source);
	return scope;
}

function propertyOf(literal: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
	for (const property of literal.properties) {
		if (property.name?.getText() !== name) continue;
		if (ts.isPropertyAssignment(property)) return property.initializer;
		if (ts.isShorthandPropertyAssignment(property)) return property.name;
	}
	return undefined;
}

function readMessages(source: ts.SourceFile, scope: Scope): ErrorMessage[] {
	const found: ErrorMessage[] = [];
	const add = (
		kind: ts.Expression | undefined,
		message: ts.Expression | undefined,
		advice: ts.Expression | undefined,
		/** Whether the place itself says what was paid. */
		isTold: boolean,
	): void => {
		if (!kind || !ts.isStringLiteral(kind) || !message || !advice) return;
		for (const text of textsOf(message, scope)) {
			for (const what of textsOf(advice, scope)) {
				const money = isTold || !COSTS_NOTHING.includes(kind.text) ? '' : 'Nothing was paid. ';
				found.push({ kind: kind.text, message: text, advice: (money + what).trim() });
			}
		}
	};
	const visit = (node: ts.Node): void => {
		if (ts.isCallExpression(node) && node.expression.getText() === 'fail') {
			const [kind, message, advice, more] = node.arguments;
			add(kind, message, advice, more?.getText().includes("paid: 'told'") ?? false);
		}
		if (ts.isObjectLiteralExpression(node)) {
			const isTold = propertyOf(node, 'paid')?.getText() === "'told'";
			add(
				propertyOf(node, 'kind'),
				propertyOf(node, 'message'),
				propertyOf(node, 'advice'),
				isTold,
			);
		}
		ts.forEachChild(node, visit);
	};
	visit(source);
	return found;
}

export async function readErrorMessages(root: string): Promise<ErrorMessage[]> {
	const folder = join(root, 'nodes');
	const names = await readdir(folder, { recursive: true });
	const files = names.filter((name) => name.endsWith('.ts')).sort();
	const sources = await Promise.all(
		files.map(async (file) => {
			const text = await readFile(join(folder, file), 'utf8');
			return ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
		}),
	);
	// Names that several files use; a file's own ones go before.
	const shared: Scope = new Map();
	for (const source of sources) {
		if (source.fileName.endsWith('failures.ts')) readScope(source, shared);
	}
	const all = sources.flatMap((source) => readMessages(source, readScope(source, new Map(shared))));
	const unknown = all.filter(({ kind }) => !(kind in KINDS) && !INTERNAL.includes(kind));
	if (unknown.length > 0) throw new Error(`No heading for the kind "${unknown[0]?.kind}".`);
	return all.filter(({ kind }) => !INTERNAL.includes(kind));
}

const INTRODUCTION = `# Error messages

Read from the node's source by \`npm run docs\`; don't edit by hand. ‹Names in angle brackets› are filled in at run time. In a batch a message ends with its row, such
as "Row 7", and with its task; the text below goes on with the IDs of the tasks that the other rows have started. What happens step by step when the service fails is in
[faults.md](faults.md).`;

const cell = (text: string): string =>
	text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll(/\s+/g, ' ').trim();

export function toMarkdown(messages: ErrorMessage[]): string {
	const sections = Object.entries(KINDS).flatMap(([kind, heading]) => {
		const rows = messages
			.filter((message) => message.kind === kind)
			.map(({ message, advice }) => `| ${cell(message)} | ${cell(advice)} |`);
		const table = [...new Set(rows)].join('\n');
		if (table === '') return [];
		return [`## ${heading}\n\n| What it says | What to do |\n| --- | --- |\n${table}`];
	});
	return `${[INTRODUCTION, ...sections].join('\n\n')}\n`;
}
