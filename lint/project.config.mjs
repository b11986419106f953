/**
 * The project's own lint, beside n8n's: the direction of imports in nodes/, and the rules for everything that isn't
 * shipped (`.mts`, `.mjs`), which n8n's configuration doesn't cover.
 */
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const N8N_PACKAGES = ['n8n-workflow', 'n8n-core', 'n8n', '@n8n/*'];

/** Forbids imports from the layers above; the message says where the line runs. */
const layer = (files, forbidden, message) => ({
	files,
	languageOptions: { parser: tseslint.parser },
	rules: {
		'no-restricted-imports': [
			'error',
			{ patterns: forbidden.map((group) => ({ group: [group], message })) },
		],
	},
});

/** The rooms that a lower one must not look into. */
const above = (...rooms) => [...rooms.map((room) => `**/${room}/**`), '**/Wan22SpeechToVideo*/**'];

export default tseslint.config(
	{ ignores: ['dist/', 'node_modules/', 'output/**', 'coverage/'] },
	layer(
		['nodes/shared/async/**/*.ts', 'nodes/shared/*.ts'],
		[...N8N_PACKAGES, ...above('wavespeed', 'account', 'batch', 'n8n')],
		'shared/async, json and text know nothing of this project: neither the API nor n8n.',
	),
	layer(
		['nodes/shared/wavespeed/**/*.ts'],
		[...N8N_PACKAGES, ...above('account', 'batch', 'n8n')],
		'shared/wavespeed is the pure client of the API: it knows neither n8n nor the layers above.',
	),
	layer(
		['nodes/shared/account/**/*.ts'],
		[...N8N_PACKAGES, ...above('batch', 'n8n')],
		'shared/account is pure: it knows shared/wavespeed and shared/async, and nothing of runs or of n8n.',
	),
	layer(
		['nodes/shared/batch/**/*.ts'],
		[...N8N_PACKAGES, ...above('n8n')],
		'shared/batch is pure: it knows shared/account and what lies below, but not n8n.',
	),
	layer(
		['nodes/shared/n8n/**/*.ts'],
		['**/Wan22SpeechToVideo*/**'],
		'shared/n8n serves the nodes and must not import from them.',
	),
	layer(
		['nodes/*/fields/**/*.ts'],
		['**/operations/*', '**/shared/**'],
		'fields/ holds field descriptions only.',
	),
	{
		// A function that needs more is two, or lacks a value that has a name.
		files: ['nodes/**/*.ts', 'credentials/**/*.ts'],
		languageOptions: { parser: tseslint.parser },
		rules: {
			'max-params': ['error', 4],
			'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
		},
	},
	{
		files: ['test/emulator/**/*.mts'],
		languageOptions: { parser: tseslint.parser },
		rules: {
			'no-restricted-imports': [
				'error',
				{
					patterns: [
						{
							group: ['**/nodes/**', '**/dist/**'],
							message:
								"The emulator imports nothing of the node, or a client's mistake would be mirrored.",
						},
					],
				},
			],
		},
	},
	{
		files: ['**/*.mts'],
		extends: [js.configs.recommended, tseslint.configs.recommended],
		rules: {
			'no-undef': 'off',
			'@typescript-eslint/no-explicit-any': 'error',
		},
	},
	{
		files: ['**/*.mjs', '**/*.cjs', 'gulpfile.js'],
		extends: [js.configs.recommended],
		languageOptions: {
			globals: Object.fromEntries(
				[
					'process',
					'console',
					'URL',
					'module',
					'require',
					'__dirname',
					'setTimeout',
					'clearTimeout',
					'AbortController',
					'fetch',
					'Buffer',
					'exports',
				].map((name) => [name, 'readonly']),
			),
		},
	},
);
