import type { IDataObject } from 'n8n-workflow';

import type { RecordedRequest, WebhookOverrides } from '../../emulator/types.mts';
import { makeRow, type Rig, startRig } from './rig.mts';
import { startTrigger, type TriggerOptions, type TriggerRig } from './triggerRig.mts';

/** A trigger and a service for each test of a file, and what the tests do with them. */
export interface TriggerScene {
	rig: Rig;
	/** The trigger that callbacks are sent to; a test may put another one here. */
	trigger: TriggerRig;
	openTrigger(options?: Partial<TriggerOptions>): Promise<TriggerRig>;
	/** The requests that the service got for this. */
	steps(step: string): RecordedRequest[];
	submitTask(options?: IDataObject, inputs?: IDataObject): Promise<string>;
	submitFinished(): Promise<string>;
	deliver(id: string, overrides?: WebhookOverrides): Promise<number>;
	/** As above, with time going on while the trigger tries again. */
	deliverInTime(id: string, overrides?: WebhookOverrides): Promise<number>;
	passTime(seconds: number): Promise<void>;
	nowSeconds(): number;
	activateFailing(): Promise<Error & { description?: string }>;
}

/** To be called once at the top of a test file. */
export function useTriggerScene(): TriggerScene {
	const triggers: TriggerRig[] = [];
	const scene: Omit<TriggerScene, 'rig' | 'trigger'> & Partial<TriggerScene> = {
		async openTrigger(options = {}) {
			const opened = await startTrigger({ credential: rig().credential, ...options });
			triggers.push(opened);
			return opened;
		},
		steps: (step) =>
			rig()
				.emulator.requests()
				.filter((request) => request.step === step),
		async submitTask(options = {}, inputs = {}) {
			const parameters = { resource: 'task', operation: 'submit', options, ...inputs };
			const result = await rig().run({ items: [await makeRow()], parameters });
			return String(result.items[0]?.json.taskId);
		},
		async submitFinished() {
			const id = await scene.submitTask();
			rig().emulator.finishTask(id);
			return id;
		},
		async deliver(id, overrides = {}) {
			const sent = await rig().emulator.deliverWebhook(id, { url: trigger().url, ...overrides });
			return sent[0]?.status ?? 0;
		},
		deliverInTime: async (id, overrides = {}) =>
			await rig().clock.runUntil(scene.deliver(id, overrides), rig().emulator),
		async passTime(seconds) {
			const { clock, emulator } = rig();
			await clock.runUntil(clock.sleep(seconds * 1000), emulator);
		},
		nowSeconds: () => Math.floor(rig().clock.now() / 1000),
		async activateFailing() {
			const failing = trigger()
				.activate()
				.then(
					() => {
						throw new Error('it was activated');
					},
					(error: unknown) => error as Error,
				);
			return await rig().clock.runUntil(failing, rig().emulator);
		},
	};
	const rig = (): Rig => scene.rig as Rig;
	const trigger = (): TriggerRig => scene.trigger as TriggerRig;
	beforeEach(async () => {
		scene.rig = await startRig({ taskSeconds: 3600 });
		scene.trigger = await scene.openTrigger();
	});
	afterEach(async () => {
		await Promise.all(triggers.splice(0).map(async (one) => await one.close()));
		await rig().close();
	});
	return scene as TriggerScene;
}
