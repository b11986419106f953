import type { UploadFile } from '../wavespeed/media/upload';
import type { Sources } from './asked';

/** A file of the workflow, read once to know what it holds. */
export interface InspectedFile extends UploadFile {
	/** Of a recording whose header tells it for certain. */
	audioSeconds?: number;
}

export type Media =
	| { kind: 'url'; url: string }
	| {
			kind: 'file';
			/** The parameter's label or the field's name, for messages. */
			field: string;
			inspect(): Promise<InspectedFile>;
	  };

/** What one row asks for, checked as far as that is possible without sending anything. */
export interface VideoRequest {
	image: Media;
	audio: Media;
	prompt: string;
	resolution: string;
	/** −1: draw one. */
	seed: number;
	/**
	 * What the workflow asks for, as it is written: the node's fields before their expressions are evaluated, and the
	 * incoming item. The same in each retry, whatever `{{ $now }}` gives then.
	 */
	fingerprint: string;
	sources: Sources;
	webhookUrl?: string;
	maxCostPerVideo?: number;
	maxCostPerRun?: number;
}
