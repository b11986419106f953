'use strict';

/** TypeScript outside nodes/ and credentials/ is `.mts`, which n8n's strict linter leaves alone; jest runs it as CommonJS. */
const shared = {
	rootDir: __dirname,
	testEnvironment: 'node',
	moduleFileExtensions: ['mts', 'ts', 'js', 'mjs', 'cjs', 'json', 'node'],
	transform: {
		'\\.m?ts$': [
			'@swc/jest',
			{ jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
		],
	},
	modulePathIgnorePatterns: ['<rootDir>/output/'],
};

module.exports = {
	// Far above what a test takes, for machines that are busy with other things.
	testTimeout: 60_000,
	projects: [
		{ ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.mts'] },
		{ ...shared, displayName: 'emulator', testMatch: ['<rootDir>/test/emulator/**/*.test.mts'] },
		{ ...shared, displayName: 'engine', testMatch: ['<rootDir>/test/engine/**/*.test.mts'] },
		{ ...shared, displayName: 'fuzz', testMatch: ['<rootDir>/test/fuzz/**/*.test.mts'] },
		{ ...shared, displayName: 'faults', testMatch: ['<rootDir>/test/faults/**/*.test.mts'] },
		{ ...shared, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.test.mts'] },
		{ ...shared, displayName: 'queue', testMatch: ['<rootDir>/test/queue/**/*.test.mts'] },
	],
};
