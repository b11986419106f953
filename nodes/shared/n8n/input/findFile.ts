import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';

import { shorten } from '../../text';
import { fail, type Failure } from '../../wavespeed/failures';
import { formatNames, kindByLabel, typeOf } from '../../wavespeed/media/detectFormat';
import type { MediaKind } from '../../wavespeed/media/formats';
import { refuseMistake } from './fieldMistakes';
import {
	describeWrongKind,
	isBinary,
	type ItemFile,
	listFiles,
	lookInside,
	nameFiles,
} from './itemFiles';
import type { ParameterReader } from './parameters';
import { isTool } from '../waiting/conditions';

/** Finds the file that a row means; where that fails, says which files the item has and how to get the right one. */

/** What is looked for, and where. */
export interface Wanted {
	ctx: IExecuteFunctions;
	parameters: ParameterReader;
	row: number;
	kind: MediaKind;
}

const NOUNS = { image: 'picture', audio: 'recording' } as const;
const nameOf = (kind: MediaKind): string => `${kind}BinaryPropertyName`;
const labelOf = (kind: MediaKind): string =>
	`${kind === 'image' ? 'Image' : 'Audio'} Input Data Field Name`;

const inField = (kind: MediaKind): Pick<Failure, 'details'> => ({
	details: { parameter: nameOf(kind) },
});

/** An empty name means the item's only picture or recording. Any other name is taken, whatever the file is. */
export async function findFile(wanted: Wanted): Promise<ItemFile> {
	const { ctx, parameters, row, kind } = wanted;
	const given = parameters.raw(nameOf(kind));
	const name = typeof given === 'string' ? given.trim() : given;
	if (name === '') return await findOnlyFile(wanted);
	const field = typeof name === 'string' ? name : labelOf(kind);
	// Older versions of n8n refuse a file without `data`, as `$node["…"].binary` gives it there.
	const found: unknown = isBinary(name)
		? name
		: attempt(() => ctx.helpers.assertBinaryData(row, name as string | IBinaryData));
	if (isBinary(found)) return { field, binary: found, kind: kindByLabel(found) };
	refuseMistake(name, labelOf(kind), inField(kind));
	return fail(
		'invalidInput',
		`There is no file in the field "${shorten(field, 60)}" ("${labelOf(kind)}")`,
		adviseOtherFile(wanted, await lookInsideAll(ctx, listFiles(ctx, row))),
		inField(kind),
	);
}

function attempt<T>(work: () => T): T | undefined {
	try {
		return work();
	} catch {
		return undefined;
	}
}

const lookInsideAll = async (ctx: IExecuteFunctions, files: ItemFile[]): Promise<ItemFile[]> =>
	await Promise.all(files.map(async (file) => await lookInside(ctx, file)));

async function findOnlyFile(wanted: Wanted): Promise<ItemFile> {
	const { ctx, row, kind } = wanted;
	const files = listFiles(ctx, row);
	const labelled = await Promise.all(
		files.map(async (file) => (file.kind ? file : await lookInside(ctx, file))),
	);
	// Labels can be wrong, so where they name none or several the content decides.
	let candidates = pickCandidates(labelled, kind);
	const seen = candidates.length === 1 ? labelled : await lookInsideAll(ctx, files);
	if (candidates.length !== 1) candidates = pickCandidates(seen, kind);
	const [candidate] = candidates;
	if (candidate && candidates.length === 1) return candidate;
	if (candidates.length === 0) {
		fail(
			'invalidInput',
			`There is no ${NOUNS[kind]} in this item ("${labelOf(kind)}" is empty)`,
			adviseMissing(wanted, seen),
			inField(kind),
		);
	}
	return fail(
		'invalidInput',
		`This item has ${candidates.length} ${NOUNS[kind]}s`,
		`Enter the name of one in "${labelOf(kind)}": ${nameFiles(candidates)}.`,
		inField(kind),
	);
}

function pickCandidates(files: ItemFile[], kind: MediaKind): ItemFile[] {
	const fitting = files.filter((file) => file.kind === kind);
	// Browsers call a recording without a picture `video/webm`; beside a sound file it is a video.
	const sure = fitting.filter(({ binary }) => !typeOf(binary).startsWith('video/'));
	return sure.length > 0 ? sure : fitting;
}

/** Refuses a file that is not of the kind that is wanted, by its label or else by its first bytes. */
export async function checkKind(wanted: Wanted, file: ItemFile): Promise<void> {
	if (file.kind === wanted.kind) return;
	const seen = await lookInside(wanted.ctx, file);
	if (seen.kind !== wanted.kind) await refuseFile(wanted, seen);
}

export async function refuseFile(wanted: Wanted, file: ItemFile): Promise<never> {
	const { ctx, row, kind } = wanted;
	const thing = kind === 'image' ? 'a picture' : 'a sound file';
	const files = await lookInsideAll(ctx, listFiles(ctx, row));
	return fail(
		'invalidInput',
		`The file in "${shorten(file.field, 60)}" is not ${thing} that WaveSpeed takes: it ${describeWrongKind(file)}`,
		[
			describeSharedName(wanted, file),
			describeConversion(kind, [file]) ?? adviseOtherFile(wanted, files),
		].join(''),
		inField(kind),
	);
}

/** Both fields with one name: a Merge has dropped one of two files that were called the same. */
function describeSharedName({ parameters, kind }: Wanted, { field }: ItemFile): string {
	const other = kind === 'image' ? 'audio' : 'image';
	if (parameters.raw(`${other}Source`) !== 'binary') return '';
	const name = parameters.raw(nameOf(kind));
	if (name === '' || parameters.raw(nameOf(other)) !== name) return '';
	return `Both fields mean the file in "${shorten(field, 60)}". If two files had this name, only one of them is left: give them different names before they are merged. `;
}

/** What to do with a file that has to become another one first. */
function describeConversion(kind: MediaKind, files: ItemFile[]): string | undefined {
	const kinds = files.map((file) => file.kind);
	if (kinds.includes('video')) {
		return kind === 'audio'
			? 'Extract the sound of the video first, with FFmpeg or a conversion service, and hand over an MP3 or WAV file.'
			: 'Take a single picture of the video, and hand it over as a JPG or PNG file.';
	}
	if (kinds.includes('webPage')) {
		return 'Open the address that was downloaded: it gives a page and not the file itself.';
	}
	if (kinds.includes('other') || kinds.includes(undefined)) {
		return `Supply one of: ${formatNames(kind)}.`;
	}
	return undefined;
}

/** Names only files of the kind that is wanted: any other leads into the next error. */
function adviseOtherFile(wanted: Wanted, files: ItemFile[]): string {
	const { kind } = wanted;
	const candidates = pickCandidates(files, kind);
	const label = labelOf(kind);
	if (candidates.length === 0) return adviseMissing(wanted, files);
	if (candidates.length > 1) {
		return `The ${NOUNS[kind]}s of this item are ${nameFiles(candidates)}: enter the name of one in "${label}".`;
	}
	return `The ${NOUNS[kind]} of this item is ${nameFiles(candidates)}: enter this name in "${label}", or leave the field empty.`;
}

function adviseMissing({ ctx, kind }: Wanted, files: ItemFile[]): string {
	if (files.length === 0) {
		return isTool(ctx)
			? `An AI agent hands no files to its tools: choose "URL" as the source, for the picture and for the recording.`
			: `This item has no files: check the node before, whose output must have a "Binary" tab with the file.`;
	}
	const conversion = describeConversion(kind, files);
	return [
		`This item has only ${nameFiles(files)}.`,
		...(conversion ? [conversion] : []),
		`Picture and recording must be in one item: use a Merge node (Mode: Combine, Combine By: Position) and give the two files different field names before it, such as image and audio.`,
		`Or take the file of another node with an expression in "${labelOf(kind)}": {{ $("Name of the node").item.binary.data }}`,
	].join(' ');
}
