import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { readFingerprint } from '../../nodes/shared/n8n/input/fingerprint';

interface Asked {
	parameters?: Record<string, unknown>;
	item?: INodeExecutionData;
	/** What the model has filled in, by name. */
	fromAI?: Record<string, string>;
}

const fingerprintOf = ({ parameters = {}, item = { json: {} }, fromAI = {} }: Asked): string =>
	readFingerprint(
		{
			getNode: () => ({ parameters }),
			getInputData: () => [item],
			evaluateExpression: (expression: string) =>
				fromAI[/\("(.*)"\)/.exec(expression)?.[1] ?? ''] ?? null,
		} as unknown as IExecuteFunctions,
		0,
	);

describe('what a row asks for', () => {
	it('is told by the fields as they are written and by the incoming item', () => {
		const asks: Asked[] = [
			{},
			{ parameters: { prompt: 'a' } },
			{ parameters: { prompt: '={{ $json.a }}' } },
			{ parameters: { prompt: '={{ $json.a }}' }, item: { json: { a: 1 } } },
			{ parameters: { imageUrl: 'a' } },
			{ parameters: { seed: 0 } },
			{ parameters: { seed: -1 } },
		];
		expect(new Set(asks.map(fingerprintOf)).size).toBe(asks.length);
	});

	it('does not change with what an option says, such as a longer time limit', () => {
		const parameters = { prompt: 'a' };
		const longer = { ...parameters, options: { timeoutMinutes: 90 } };
		expect(fingerprintOf({ parameters: longer })).toBe(fingerprintOf({ parameters }));
	});

	it('does not change with the name that n8n gives to each call of a tool', () => {
		const call = (toolCallId: string): Asked => ({ item: { json: { prompt: 'a', toolCallId } } });
		expect(fingerprintOf(call('call_1'))).toBe(fingerprintOf(call('call_2')));
	});

	it('tells files by their place in n8n’s storage, else by their content', () => {
		const withFile = (file: object): Asked => ({
			item: { json: {}, binary: { image: { data: '', mimeType: 'image/png', ...file } } },
		});
		const of = (file: object): string => fingerprintOf(withFile(file));
		expect(of({ id: 'filesystem:1' })).not.toBe(of({ id: 'filesystem:2' }));
		expect(of({ data: 'AAAA' })).not.toBe(of({ data: 'AAAB' }));
		expect(of({ data: 'AAAA' })).toBe(of({ data: 'AAAA' }));
	});

	it.each([
		"={{ $fromAI('prompt') }}",
		'={{ $fromAI ("prompt", "what", "string") }}',
		'={{ $fromAI(\n`prompt`) }}',
		'={{ $fromai("prompt") + "!" }}',
	])('as a tool changes with what the model fills in: %s', (prompt) => {
		const parameters = { prompt };
		const of = (value: string): string => fingerprintOf({ parameters, fromAI: { prompt: value } });
		expect(of('a cat')).not.toBe(of('a dog'));
		expect(of('a cat')).toBe(of('a cat'));
	});
});
