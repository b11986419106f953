import { NODE_TYPE, prepareExample } from '../../scripts/n8n/examples.mts';
import {
	describeFailure,
	type Execution,
	outputItems,
	waitForExecution,
} from '../../scripts/n8n/n8nExecutions.mts';
import { runWorkflow, saveWorkflow } from '../../scripts/n8n/n8nWorkflows.mts';
import { textAt, valueAt, type JsonRecord } from '../../scripts/n8n/shape.mts';
import { chain, type Links, type NamedNode, splitIntoRows } from './chainedWorkflow.mts';
import { type FileServer, serveFolder } from './fileServer.mts';
import { MEDIA, RUN_TIMEOUT_MS, START_TIMEOUT_MS, startTestbed, type Testbed } from './testbed.mts';

/**
 * The video parts of public workflows, node for node, with our node where theirs was: with its defaults and one mapping.
 * What they use beside it (speech services, chats, sheets) is a download or a row here, with the same fields and files.
 */
describe('public workflows with this node in the place of their own', () => {
	let files: FileServer;
	let testbed: Testbed;
	let before = 0;

	beforeAll(async () => {
		files = await serveFolder(MEDIA);
		testbed = await startTestbed({ video: 'placeholder', taskSeconds: 50 });
	}, START_TIMEOUT_MS);
	beforeEach(() => {
		before = testbed.emulator.paidTasks();
	});
	afterAll(async () => {
		await testbed?.close();
		await files?.close();
	}, 60_000);

	const newTasks = () => testbed.emulator.tasks().slice(before);

	async function run(name: string, nodes: NamedNode[], links: Links = {}): Promise<Execution> {
		const all = [{ name: 'Start', type: 'n8n-nodes-base.manualTrigger' }, ...nodes];
		const example = { key: name, workflow: chain(name, all, {}, links) };
		const workflow = prepareExample(example, await testbed.saveCredential(), MEDIA);
		const id = await saveWorkflow(testbed.session, workflow);
		const executionId = await runWorkflow(testbed.session, id, 'Start');
		return await waitForExecution(testbed.session, executionId, { timeoutMs: RUN_TIMEOUT_MS });
	}

	async function runToEnd(name: string, nodes: NamedNode[], links: Links = {}): Promise<Execution> {
		const execution = await run(name, nodes, links);
		if (execution.status !== 'success') throw new Error(describeFailure(execution));
		return execution;
	}

	const talk = (parameters: JsonRecord = {}, settings: JsonRecord = {}): NamedNode => ({
		...{ name: 'Talk', type: NODE_TYPE, typeVersion: 1, parameters },
		...settings,
	});
	const set = (name: string, json: object | string): NamedNode => ({
		...{ name, type: 'n8n-nodes-base.set', typeVersion: 3.4 },
		parameters: {
			mode: 'raw',
			jsonOutput: typeof json === 'string' ? json : JSON.stringify(json),
			options: {},
		},
	});
	/** An HTTP Request that gives a file, in the field `data` unless another is named. */
	const download = (name: string, url: string, field?: string): NamedNode => ({
		...{ name, type: 'n8n-nodes-base.httpRequest', typeVersion: 4.2 },
		parameters: {
			url,
			options: {
				response: {
					response: {
						...{ responseFormat: 'file' },
						...(field === undefined ? {} : { outputPropertyName: field }),
					},
				},
			},
		},
	});
	const jsonOf = (execution: Execution, name: string, output = 0) =>
		outputItems(execution, name, output).map(({ json }) => json);

	it(
		'8378, speech by ElevenLabs and a loop that polls: one node, the picture by its address',
		async () => {
			const execution = await runToEnd('8378', [
				set('Idea', { title: 'A tip', image: `${files.url}/portrait.png` }),
				download('Speech', `${files.url}/speech.mp3`),
				talk({ imageSource: 'url', imageUrl: "={{ $('Idea').item.json.image }}" }),
				set('Post', "={{ { title: $('Idea').item.json.title, video: $json.videoUrl } }}"),
			]);
			const [task] = newTasks();
			expect(jsonOf(execution, 'Post')).toEqual([{ title: 'A tip', video: task!.outputs[0] }]);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	it(
		'10070, picture and voice from a chat, both in the field "data": the picture of another node',
		async () => {
			const execution = await runToEnd('10070', [
				download('Photo', `${files.url}/portrait2.png`),
				download('Voice', `${files.url}/speech2.mp3`),
				talk({ imageBinaryPropertyName: "={{ $('Photo').item.binary.data }}" }),
			]);
			expect(jsonOf(execution, 'Talk')).toMatchObject([{ status: 'completed' }]);
			expect(newTasks()).toHaveLength(1);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	it(
		'12727, rows of a sheet in Loop Over Items: every column stays, and a row that fails keeps its own',
		async () => {
			const row = (number: number, voice: string) => ({
				...{ row: number, image: `${files.url}/portrait.png`, voice: `${files.url}/${voice}` },
				...{ prompt: 'row prompt', resolution: 'row-res', status: 'new', error: 'old error' },
				audioUrl: 'https://example.com/lasting.mp3',
			});
			const rows = [row(1, 'speech.mp3'), row(2, 'missing.mp3'), row(3, 'speech2.mp3')];
			const loop = { name: 'Loop', type: 'n8n-nodes-base.splitInBatches', typeVersion: 3 };
			const urls = {
				...{ imageSource: 'url', imageUrl: '={{ $json.image }}' },
				...{ audioSource: 'url', audioUrl: '={{ $json.voice }}' },
			};
			const execution = await runToEnd(
				'12727',
				[
					...splitIntoRows(rows),
					{ ...loop, parameters: { options: {} } },
					talk(
						{ ...urls, options: { includeInputFields: true, failedTasks: 'error' } },
						{ onError: 'continueErrorOutput' },
					),
					set('Done', '={{ $json }}'),
					set('Failed', '={{ $json }}'),
				],
				{
					Loop: [[], ['Talk']],
					Talk: [['Done'], ['Failed']],
					Done: [['Loop']],
					Failed: [['Loop']],
				},
			);
			const collected = (name: string) =>
				[0, 1, 2].flatMap((run) => {
					const output = valueAt(execution.data, 'resultData', 'runData', name, run);
					return listOf(valueAt(output, 'data', 'main', 0)).map((item) => valueAt(item, 'json'));
				});
			const done = collected('Done');
			expect(done).toHaveLength(2);
			for (const [index, json] of done.entries()) {
				expect(json).toMatchObject(rows[index * 2]!);
				expect(valueAt(json, 'task', 'status')).toBe('completed');
				expect(textAt(json, 'videoUrl')).toMatch(/\.mp4/);
			}
			const error = expect.stringContaining('missing.mp3');
			expect(collected('Failed')).toEqual([expect.objectContaining({ ...rows[1]!, error })]);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	it(
		'10000, a voice message with a label that its bytes contradict: it is sent as what it is',
		async () => {
			const name = "={{ { name: 'voice.oga', image: '" + `${files.url}/portrait.png` + "' } }}";
			await runToEnd('10000', [
				set('Message', name),
				download('Voice message', `${files.url}/speech.mp3`),
				{
					...{ name: 'Label', type: 'n8n-nodes-base.code', typeVersion: 2 },
					parameters: {
						jsCode: `for (const item of $input.all()) Object.assign(item.binary.data, { fileName: 'voice.oga', fileExtension: 'oga', mimeType: 'audio/ogg' });
return $input.all();`,
					},
				},
				talk({ imageSource: 'url', imageUrl: "={{ $('Message').item.json.image }}" }),
			]);
			const [task] = newTasks();
			expect(task).toMatchObject({ status: 'completed' });
			// Perhaps uploaded by an earlier test: the same file is sent once.
			const upload = testbed.emulator.uploads().find(({ url }) => url === task?.input.audio);
			expect(upload).toMatchObject({ contentType: 'audio/mpeg' });
			expect(upload?.filename).toMatch(/\.mp3$/);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	/** The picture and the voice of a form come from two branches, which a Merge brings together. */
	const branches = (fields: [string?, string?]): [NamedNode[], Links] => [
		[
			download('Picture branch', `${files.url}/portrait.png`, fields[0]),
			download('Voice branch', `${files.url}/speech.mp3`, fields[1]),
			{
				...{ name: 'Merge', type: 'n8n-nodes-base.merge', typeVersion: 3.2 },
				parameters: { mode: 'combine', combineBy: 'combineByPosition', options: {} },
			},
			talk(),
		],
		{ Start: [['Picture branch', 'Voice branch']], 'Picture branch': [['Merge']] },
	];

	it(
		'5308, two branches and a Merge: the fields of a form need no mapping at all',
		async () => {
			const [nodes, links] = branches(['Your_photo', 'Voice__MP3_']);
			const execution = await runSecondInput('5308', nodes, links);
			expect(execution.status).toBe('success');
			expect(newTasks()).toMatchObject([{ status: 'completed' }]);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	it(
		'5308 with both files in the field "data", of which the Merge keeps one: the error says so, and nothing is paid',
		async () => {
			const [nodes, links] = branches([]);
			const execution = await runSecondInput('5308 data', nodes, links);
			expect(execution.status).toBe('error');
			const said = describeFailure(execution);
			expect(said).toMatch(/Combine by Position|Merge/);
			expect(said).toMatch(/different (field )?names/);
			expect(said).toContain('Nothing was paid');
			expect(newTasks()).toHaveLength(0);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	/** As `run`, with the voice branch on the second input of the Merge, which a chain can't say. */
	async function runSecondInput(
		name: string,
		nodes: NamedNode[],
		links: Links,
	): Promise<Execution> {
		const all = [{ name: 'Start', type: 'n8n-nodes-base.manualTrigger' }, ...nodes];
		const workflow = chain(name, all, {}, links);
		Object.assign(workflow.connections, {
			'Voice branch': { main: [[{ node: 'Merge', type: 'main', index: 1 }]] },
		});
		const prepared = prepareExample({ key: name, workflow }, await testbed.saveCredential(), MEDIA);
		const id = await saveWorkflow(testbed.session, prepared);
		const executionId = await runWorkflow(testbed.session, id, 'Start');
		return await waitForExecution(testbed.session, executionId, { timeoutMs: RUN_TIMEOUT_MS });
	}

	const clips = (second: string) =>
		['speech.mp3', second, 'speech3.mp3'].map((voice, clip) => ({
			...{ clip: clip + 1, voice: `${files.url}/${voice}` },
		}));
	const clipNode = () =>
		talk({
			...{ imageSource: 'url', imageUrl: `${files.url}/portrait.png` },
			...{ audioSource: 'url', audioUrl: '={{ $json.voice }}' },
		});

	it(
		'5110, three clips: in their order, each with its own row behind the node',
		async () => {
			const rows = clips('speech2.mp3');
			const execution = await runToEnd('5110', [
				...splitIntoRows(rows),
				clipNode(),
				set('Cut', "={{ { clip: $('Split').item.json.clip, video: $json.videoUrl } }}"),
			]);
			const videoOf = (voice: string) =>
				newTasks().find(({ input }) => input.audio === voice)?.outputs[0];
			expect(jsonOf(execution, 'Cut')).toEqual(
				rows.map(({ clip, voice }) => ({ clip, video: videoOf(voice) })),
			);
		},
		RUN_TIMEOUT_MS + 30_000,
	);

	it(
		'5110 with a clip that fails: the error names the tasks of the two others',
		async () => {
			const execution = await run('5110 bad', [...splitIntoRows(clips('missing.mp3')), clipNode()]);
			expect(execution.status).toBe('error');
			const said = describeFailure(execution);
			for (const { id } of newTasks()) expect(said).toContain(id);
			expect(newTasks()).toHaveLength(3);
		},
		RUN_TIMEOUT_MS + 30_000,
	);
});

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
