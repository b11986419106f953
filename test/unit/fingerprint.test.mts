import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';

import { readFingerprint } from '../../nodes/shared/n8n/input/fingerprint';

interface Asked {
	parameters?: Record<string, unknown>;
	item?: INodeExecutionData;
	/** What the model has filled in, by name. */
	fromAI?: Record<string, string>;
	isTool?: boolean;
}

const read = ({ parameters = {}, item = { json: {} }, fromAI = {}, isTool = false }: Asked) =>
	readFingerprint(
		{
			getNode: () => ({ parameters }),
			getInputData: () => [item],
			evaluateExpression: (expression: string) =>
				fromAI[/\("(.*)"\)/.exec(expression)?.[1] ?? ''] ?? null,
		} as unknown as IExecuteFunctions,
		0,
		isTool,
	);

const fingerprintOf = (asked: Asked): string => read(asked).fingerprint;

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

	it('does not change with the order in which a model fills in its arguments', () => {
		const of = (json: INodeExecutionData['json']): string => fingerprintOf({ item: { json } });
		expect(of({ a: 1, b: { c: 2, d: [3] } })).toBe(of({ b: { d: [3], c: 2 }, a: 1 }));
		expect(of({ a: [1, 2] })).not.toBe(of({ a: [2, 1] }));
	});
});

describe('where a field’s value comes from', () => {
	const promptOf = (asked: Asked): string | undefined => read(asked).sources.prompt;

	it('is how it is written and the incoming item, whatever the other fields are', () => {
		const asked: Asked = { parameters: { prompt: '={{ $json.a }}' }, item: { json: { a: 1 } } };
		const other = { ...asked, parameters: { ...asked.parameters, seed: 7 } };
		expect(promptOf(other)).toBe(promptOf(asked));
		expect(promptOf({ ...asked, item: { json: { a: 2 } } })).not.toBe(promptOf(asked));
		expect(promptOf({ ...asked, parameters: { prompt: '={{ $json["a"] }}' } })).not.toBe(
			promptOf(asked),
		);
	});

	it.each([
		['a text', 'smiles for $5'],
		['a text about this and a clock', '=$5 for this at {{ $now }}'],
		['a clock', '={{ $now.toISO() }} ${{ $today }}'],
		['a die', '={{ `${Math.random()}` }}'],
		['the model', "={{ $fromAI('prompt', '', 'string') + $now }}"],
	])('is known as a tool where it is %s', (_, prompt) => {
		const asked = { parameters: { prompt }, fromAI: { prompt: 'a' }, isTool: true };
		expect(promptOf(asked)).toBeDefined();
	});

	it.each([
		'={{ $json.name }} {{ $now }}',
		"={{ $('Set').item.json.name }}",
		"={{ $ ('Set').item.json.name }}",
		'={{ $input.item.json.name }}',
		'={{ $vars.name }}',
		"={{ this['\\x24json'].name }}",
		"={{ $fromAI('prompt') + $json.name }}",
		"={{ $fromAI(['prompt'][0]) }}",
	])('is not known as a tool where it may read data: %s', (prompt) => {
		const asked = { parameters: { prompt }, fromAI: { prompt: 'a' } };
		expect(promptOf({ ...asked, isTool: true })).toBeUndefined();
		expect(promptOf(asked)).toBeDefined();
	});

	it('is not known as a tool of a file that is taken from the item', () => {
		const parameters = { imageSource: 'binary', audioSource: 'url', audioUrl: 'https://a.example' };
		const { image, audio } = read({ parameters, isTool: true }).sources;
		expect(image).toBeUndefined();
		expect(audio).toBeDefined();
	});
});
