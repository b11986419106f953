import { core } from '../harness/engine.mts';
import { jsonOf } from '../harness/rig.mts';
import { useTriggerScene } from '../harness/triggerScene.mts';

/** A storage that takes all bytes, and whose answer never comes: an object store whose connection died without a word. */

interface BinaryService {
	store(...given: unknown[]): Promise<unknown>;
}

const scene = useTriggerScene();
const { openTrigger, submitTask, submitFinished, deliver, steps } = scene;
const service = core.BinaryDataService.prototype as unknown as BinaryService;
const options = { downloadVideo: true };

/** The first so many videos are never stored. */
const silence = (videos: number): void => {
	const { store } = service;
	let seen = 0;
	jest.spyOn(service, 'store').mockImplementation(async function (this: unknown, ...given) {
		const isVideo = (given[2] as { mimeType?: string }).mimeType === 'video/mp4';
		if (isVideo && (seen += 1) <= videos) {
			for await (const chunk of given[1] as AsyncIterable<Buffer>) void chunk;
			await new Promise(() => {});
		}
		return await store.apply(this, given);
	});
};

beforeEach(async () => {
	scene.trigger = await openTrigger({ parameters: { options } });
	await scene.trigger.activate();
});
afterEach(() => jest.restoreAllMocks());

describe("a storage of n8n that has stopped, in the trigger's download", () => {
	test('costs the file: the workflow starts with the URL, and the service is answered', async () => {
		silence(1);
		const id = await submitTask({ webhookUrl: scene.trigger.url });
		scene.rig.emulator.finishTask(id);
		await scene.passTime(60);
		const again = deliver(id, { id: 'again' });
		await scene.passTime(24 * 60 * 60);
		expect(await Promise.race([again, 'never'])).toBe(200);
		expect(scene.trigger.started).toHaveLength(1);
		expect(scene.trigger.started[0]?.binary).toBeUndefined();
		expect(jsonOf(scene.trigger.started)[0]).toMatchObject({
			taskId: id,
			videoUrl: expect.any(String),
			downloadError: expect.stringMatching(
				/could not be downloaded.*storage has not answered for 5 minutes.*exists and is paid for/,
			),
		});
		expect(steps('download')).toHaveLength(1);
	});

	test('keeps no other download away, however many videos it took', async () => {
		silence(32);
		for (let count = 0; count < 32; count += 1) {
			const id = await submitTask({ webhookUrl: scene.trigger.url });
			scene.rig.emulator.finishTask(id);
		}
		await scene.passTime(60 * 60);
		const taskId = await submitFinished();
		const parameters = { resource: 'task', operation: 'get', taskId, options };
		const getting = scene.rig.start({ parameters }).then(({ items }) => items[0]?.binary?.data);
		await scene.passTime(24 * 60 * 60);
		expect(await Promise.race([getting, 'never'])).toMatchObject({ mimeType: 'video/mp4' });
		expect(scene.trigger.started).toHaveLength(32);
	});
});
