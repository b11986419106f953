import { toEchoedFields } from '../../nodes/shared/n8n/output/echoedInput';

describe('the inputs that the service repeats', () => {
	it('become the fields of the item', () => {
		const input = {
			prompt: 'She smiles,\nthen speaks',
			seed: 4711,
			resolution: '720p',
			image: 'https://a.example/i.png',
			audio: 'https://a.example/a.mp3',
			other: true,
		};
		expect(toEchoedFields(input)).toEqual({
			prompt: 'She smiles,\nthen speaks',
			seed: 4711,
			resolution: '720p',
			imageUrl: 'https://a.example/i.png',
			audioUrl: 'https://a.example/a.mp3',
		});
	});

	it.each([
		null,
		{},
		{ seed: 1.5, prompt: null, resolution: 720, image: 'data:image/png;base64,AAAA', audio: ['x'] },
	])('are left out where they are not known: %j', (input) => {
		expect(toEchoedFields(input)).toEqual({});
	});

	it('are cut off where they are longer than anybody needs, without half a character', () => {
		const prompt = `${'x'.repeat(9_999)}😀${'x'.repeat(100)}`;
		const { prompt: cut, ...rest } = toEchoedFields({
			prompt,
			resolution: 'x'.repeat(500),
			image: `https://a.example/${'x'.repeat(10_000)}`,
		});
		expect(cut).toBe(`${'x'.repeat(9_999)}…`);
		expect(String(rest.resolution).length).toBeLessThanOrEqual(21);
		expect(rest).not.toHaveProperty('imageUrl');
	});
});
