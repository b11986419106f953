import type { IExecuteFunctions } from 'n8n-workflow';

/** Tells a person something above the node's output. */
export function showHint(ctx: IExecuteFunctions, message: string): void {
	// Older versions of n8n have no hints.
	if ('addExecutionHints' in ctx) ctx.addExecutionHints({ message, location: 'outputPane' });
}
