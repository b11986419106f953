import { type INodeParameters, type INodeTypeDescription, NodeHelpers } from 'n8n-workflow';

import { Wan22SpeechToVideo } from '../../nodes/Wan22SpeechToVideo/Wan22SpeechToVideo.node';

/** What the panel shows of the node, and of the tool that n8n makes of it. */

const { description } = new Wan22SpeechToVideo();
const tool: INodeTypeDescription = { ...description, name: `${description.name}Tool` };

const shown = (type: INodeTypeDescription, values: INodeParameters) =>
	type.properties.filter((field) =>
		NodeHelpers.displayParameter(values, field, { typeVersion: 1 }, type),
	);
const noticesOf = (...view: Parameters<typeof shown>): string[] =>
	shown(...view)
		.filter(({ type }) => type === 'notice')
		.map(({ displayName }) => displayName);

const GENERATE = {
	resource: 'video',
	operation: 'generate',
	imageSource: 'url',
	audioSource: 'url',
};

test('a tool says that the model fills in the addresses, and that its calls are paid for', () => {
	const [notice, ...others] = noticesOf(tool, GENERATE);
	expect(others).toEqual([]);
	expect(notice).toMatch(/no files.*button with the stars.*paid for.*"Max Cost per Video"/);
	const names = shown(tool, GENERATE).map(({ name }) => name);
	expect(names.indexOf('toolNotice')).toBeLessThan(names.indexOf('imageUrl'));
});

test('a node of a workflow, and a tool that takes no files, have no such words', () => {
	expect(noticesOf(description, GENERATE)).toEqual([]);
	expect(noticesOf(tool, { resource: 'task', operation: 'get' })).toEqual([]);
});

test('the two fields for files have different examples: two files of one name do not get through a Merge', () => {
	const examples = ['imageBinaryPropertyName', 'audioBinaryPropertyName'].map(
		(name) => description.properties.find((field) => field.name === name)?.placeholder,
	);
	expect(new Set(examples).size).toBe(2);
});
