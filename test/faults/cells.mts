import type { INode } from 'n8n-workflow';

import { STEPS, type Fault, type Step } from '../emulator/types.mts';
import { findExclusion } from './exclusions.mts';
import { FREQUENCIES, type Frequency, type Variant, VARIANTS } from './faultVariants.mts';
import { type Scene, SCENES } from './scenes.mts';

/** What the row's node does on an error; every setting that n8n knows must be here, or the type check fails. */
const SETTING_NAMES: Record<NonNullable<INode['onError']>, string> = {
	stopWorkflow: 'Stop Workflow',
	continueRegularOutput: 'Continue',
	continueErrorOutput: 'Continue (using error output)',
};

export type Setting = keyof typeof SETTING_NAMES;
export const SETTINGS = Object.keys(SETTING_NAMES) as Setting[];

/** One fault at one place: a field of the matrix, run with each setting. */
export interface Cell {
	scene: Scene;
	step: Step;
	variant: Variant;
	frequency: Frequency;
}

export const scenesOf = (step: Step): Scene[] => {
	const scenes = SCENES[step];
	return Array.isArray(scenes) ? scenes : [];
};

export const cellsOf = (step: Step, scene: Scene): Cell[] =>
	VARIANTS.filter((variant) => !findExclusion(step, variant)).flatMap((variant) =>
		(Object.keys(FREQUENCIES) as Frequency[]).map((frequency) => ({
			scene,
			step,
			variant,
			frequency,
		})),
	);

export const ALL_CELLS: Cell[] = STEPS.flatMap((step) =>
	scenesOf(step).flatMap((scene) => cellsOf(step, scene)),
);

/** The fault as the emulator takes it. `elsewhere` is where redirects point. */
export const toFault = ({ step, variant, frequency }: Cell, elsewhere: string): Fault => ({
	step,
	kind: variant.kind,
	...variant.settings,
	...(variant.kind === 'redirect' ? { location: elsewhere } : {}),
	times: FREQUENCIES[frequency],
});
