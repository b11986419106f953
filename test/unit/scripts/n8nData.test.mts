import { prepareExample } from '../../../scripts/n8n/examples.mts';
import { describeFailure, outputItems } from '../../../scripts/n8n/n8nExecutions.mts';

describe('the stored form of an execution', () => {
	it('gives the items of a node’s last run', () => {
		const run = (n: number) => ({ data: { main: [[{ json: { n } }]] } });
		const data = { resultData: { runData: { Node: [run(1), run(2)] } } };
		const execution = { id: '1', status: 'success', data };
		expect(outputItems(execution, 'Node')).toEqual([{ json: { n: 2 } }]);
		expect(outputItems(execution, 'Other')).toEqual([]);
	});

	it('says in words why it failed', () => {
		const error = { message: 'No picture', description: 'Add one', node: { name: 'Node' } };
		const failed = { id: '1', status: 'error', data: { resultData: { error } } };
		expect(describeFailure(failed)).toBe('Node: No picture\nAdd one');
		expect(describeFailure({ id: '1', status: 'crashed', data: undefined })).toContain('crashed');
	});
});

describe('an example', () => {
	it('gets the credential and the sample files, and keeps everything else', () => {
		const file = { type: 'n8n-nodes-base.readWriteFile' };
		const parameters = { fileSelector: '/home/node/.n8n-files/portrait.png', options: {} };
		const request = { type: 'n8n-nodes-base.httpRequest' };
		const own = 'n8n-nodes-wavespeed-speech-to-video.wan22SpeechToVideo';
		const nodes = [
			{ ...file, parameters },
			{ ...file, parameters: { ...parameters, fileSelector: '/else/a.png' } },
			{ type: own, parameters: {} },
			{ ...file, parameters: { fileName: '=/home/node/.n8n-files/{{ $json.name }}.mp4' } },
			{ ...request, parameters: { nodeCredentialType: 'waveSpeedApi' } },
			{ ...request, parameters: { genericAuthType: 'httpHeaderAuth' } },
		];
		const workflow = { name: 'W', nodes, connections: {} };
		const credential = { id: 'c1', name: 'C' };
		const prepared = prepareExample({ key: 'w', workflow }, credential, '/media');
		expect(prepared.nodes).toEqual([
			{ ...file, parameters: { ...parameters, fileSelector: '/media/portrait.png' } },
			nodes[1],
			{ type: own, parameters: {}, credentials: { waveSpeedApi: credential } },
			{ ...file, parameters: { fileName: '=/media/{{ $json.name }}.mp4' } },
			{
				...request,
				parameters: { nodeCredentialType: 'waveSpeedApi' },
				credentials: { waveSpeedApi: credential },
			},
			nodes[5],
		]);
	});
});
