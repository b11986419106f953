import type { IExecuteFunctions } from 'n8n-workflow';

import { readParameters } from '../../nodes/shared/n8n/input/parameters';
import { failureInWords, type FailureInWords } from './support/words.mts';

/** What n8n gives for the node's parameters after their expressions. */
const reader = (values: Record<string, unknown>) =>
	readParameters(
		{
			getNodeParameter: (name: string, _row: number, fallback?: unknown) =>
				name in values ? values[name] : fallback,
		} as unknown as IExecuteFunctions,
		0,
	);
const withOption = (name: string, value: unknown) => reader({ options: { [name]: value } }).options;

function failureIn(work: () => unknown): FailureInWords {
	try {
		work();
	} catch (error) {
		return failureInWords(error);
	}
	throw new Error('it did not fail');
}

const NOT_A_SWITCH = [undefined, null, '', '  ', 0, 1, 'yes', 'on', 'truthy', [], {}, Number.NaN];

describe('a switch', () => {
	it.each([
		[true, true],
		[false, false],
		['true', true],
		['false', false],
		[' TRUE ', true],
		['False\n', false],
	])('of %j is %j', (value, wanted) => {
		expect(reader({ simplify: value }).flag('simplify')).toBe(wanted);
		expect(withOption('downloadVideo', value).flag('downloadVideo')).toBe(wanted);
	});

	it.each(NOT_A_SWITCH)('of %j stops the row and is neither on nor off', (value) => {
		const failure = failureIn(() => reader({ returnAll: value }).flag('returnAll'));
		expect(failure.message).toMatch(/^"Return All" must be true or false, not /);
		expect(failure).toMatchObject({ kind: 'invalidInput', details: { parameter: 'returnAll' } });
		const ofOption = failureIn(() =>
			withOption('includeInputFields', value).flag('includeInputFields'),
		);
		expect(ofOption.message).toMatch(/^"Include Input Fields" must be true or false, not /);
		expect(ofOption.details).toEqual({ parameter: 'options.includeInputFields' });
	});

	it('that is no option of the node is off', () => {
		expect(reader({ options: {} }).options.flag('downloadVideo')).toBe(false);
		expect(reader({}).options.flag('toString')).toBe(false);
	});
});

describe('a cost limit', () => {
	it.each([
		[0, 0],
		[0.25, 0.25],
		['1.5', 1.5],
		[' 2 ', 2],
	])('of %j is %j', (value, wanted) => {
		expect(withOption('maxCostPerRun', value).costLimit('maxCostPerRun', 'Limit')).toBe(wanted);
	});

	it.each([undefined, null, '', '  ', 'none', '$5', -1, true, [], {}, Number.NaN, Infinity])(
		'of %j stops the row and is not "no limit"',
		(value) => {
			const failure = failureIn(() =>
				withOption('maxCostPerRun', value).costLimit('maxCostPerRun', 'Max Cost per Run'),
			);
			expect(failure.message).toMatch(/^"Max Cost per Run" must be a number of at least 0, not /);
			expect(failure.advice).toContain('or delete the option');
		},
	);

	it('that is no option of the node is none', () => {
		expect(reader({ options: {} }).options.costLimit('maxCostPerRun', 'Limit')).toBeUndefined();
		expect(reader({}).options.costLimit('maxCostPerRun', 'Limit')).toBeUndefined();
	});

	it.each([null, undefined, '', 'none', [], 7])(
		'can not be taken away by %j in the place of the options',
		(options) => {
			expect(failureIn(() => reader({ options })).message).toMatch(/^"Options" must be/);
		},
	);
});

it('a number without meaning for money may be empty, which is its default', () => {
	for (const value of ['', null, undefined]) {
		const { options } = reader({ options: { timeoutMinutes: value } });
		expect(options.number('timeoutMinutes', 'Timeout', { min: 0, max: 9 })).toBeUndefined();
	}
});
