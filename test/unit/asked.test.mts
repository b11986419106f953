import { asksForSame, noteAsked, type Sources } from '../../nodes/shared/batch/asked';

const VALUES = { image: 'a.png', audio: 'a.mp3', prompt: 'smiles', resolution: '480p', seed: -1 };
const SOURCES: Sources = { image: 'i', audio: 'a', prompt: 'p', resolution: 'r', seed: 's' };

const isSame = (values: object, sources: object, before: Sources = SOURCES): boolean =>
	asksForSame(
		noteAsked(VALUES, before),
		noteAsked({ ...VALUES, ...values }, { ...SOURCES, ...sources }),
	);

describe('two requests ask for the same', () => {
	it.each([
		['with the same values from the same sources', {}, {}],
		['with another value from the same source, as of a clock', { prompt: 'smiles at 9' }, {}],
		['with the same value, written otherwise', {}, { prompt: 'q' }],
		['with one field by another source and one with another value', { seed: 7 }, { image: 'j' }],
	])('%s', (_, values, sources) => {
		expect(isSame(values, sources)).toBe(true);
	});

	it.each([
		['with another value that is written otherwise', { prompt: 'nods' }, { prompt: 'q' }],
		['with another picture from the same place of another item', { image: 'b' }, { image: 'j' }],
	])('not %s', (_, values, sources) => {
		expect(isSame(values, sources)).toBe(false);
	});

	it('not with another value where what it reads can not be told', () => {
		const unknown = { image: undefined };
		expect(isSame({ image: 'b.png' }, unknown, { ...SOURCES, ...unknown })).toBe(false);
		expect(isSame({}, unknown, { ...SOURCES, ...unknown })).toBe(true);
	});
});
