'use strict';

// Far from UTC, so that a time which is read in the zone of the machine shows.
process.env.TZ = 'Asia/Kathmandu';

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

/** The node in the engine of another n8n, which is installed in this folder: `npm run test:compat`. */
const otherN8n = process.env.COMPAT_N8N_FOLDER && `${process.env.COMPAT_N8N_FOLDER}/node_modules`;

/** Older n8n take these as ES modules, which jest can't load as they are. */
const ES_MODULES = '(p-[a-z]+|is-network-error|eventemitter3|uuid)/';

const [[, compile]] = Object.entries(shared.transform);
const engineOfOtherN8n = otherN8n && {
	transform: { ...shared.transform, [`node_modules/${ES_MODULES}.*\\.js$`]: compile },
	transformIgnorePatterns: [`node_modules/(?!(.*/node_modules/)?${ES_MODULES})`],
	moduleNameMapper: {
		'^(n8n-core|n8n-workflow)$': `${otherN8n}/$1`,
	},
};

module.exports = {
	// Far above what a test takes, for machines that are busy with other things.
	testTimeout: 180_000,
	// jest leaves one core alone by default, which is half of a small machine.
	maxWorkers: '100%',
	projects: [
		{ ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.mts'] },
		{ ...shared, displayName: 'emulator', testMatch: ['<rootDir>/test/emulator/**/*.test.mts'] },
		{ ...shared, displayName: 'clients', testMatch: ['<rootDir>/test/clients/**/*.test.mts'] },
		{ ...shared, displayName: 'fuzz', testMatch: ['<rootDir>/test/fuzz/**/*.test.mts'] },
		{ ...shared, displayName: 'faults', testMatch: ['<rootDir>/test/faults/**/*.test.mts'] },
		{
			...shared,
			...engineOfOtherN8n,
			displayName: 'engine',
			testMatch: ['<rootDir>/test/engine/**/*.test.mts'],
		},
		{ ...shared, displayName: 'e2e', testMatch: ['<rootDir>/test/e2e/**/*.test.mts'] },
		{ ...shared, displayName: 'queue', testMatch: ['<rootDir>/test/queue/**/*.test.mts'] },
	],
};
