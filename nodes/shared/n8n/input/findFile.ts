import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';

import { fail, type FailureDetails } from '../../wavespeed/failures';
import { kindByLabel, typeOf } from '../../wavespeed/media/detectFormat';
import type { MediaKind } from '../../wavespeed/media/formats';
import type { FileSearch } from '../errors/failureFacts';
import { refuseMistake } from './fieldMistakes';
import { isBinary, type ItemFile, listFiles, lookInside, toNamedFile } from './itemFiles';
import type { ParameterReader } from './parameters';
import type { Storage } from './storage';
import { isTool } from '../waiting/conditions';

/** Finds the file that a row means; where that fails, the failure knows which files the item has. */

/** What is looked for, and where. */
export interface Wanted {
	ctx: IExecuteFunctions;
	storage: Storage;
	parameters: ParameterReader;
	row: number;
	kind: MediaKind;
}

const nameOf = (kind: MediaKind): string => `${kind}BinaryPropertyName`;
const labelOf = (kind: MediaKind): string =>
	`${kind === 'image' ? 'Image' : 'Audio'} Input Data Field Name`;

const inField = (kind: MediaKind): { details: FailureDetails } => ({
	details: { parameter: nameOf(kind) },
});

/** An empty name means the item's only picture or recording. Any other name is taken, whatever the file is. */
export async function findFile(wanted: Wanted): Promise<ItemFile> {
	const { ctx, storage, parameters, row, kind } = wanted;
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
	const search = toSearch(wanted, await lookInsideAll(storage, listFiles(ctx, row)));
	return fail('invalidInput', 'noFileInField', { field, search }, inField(kind));
}

const toSearch = ({ ctx, kind }: Wanted, files: ItemFile[]): FileSearch => ({
	...{ kind, label: labelOf(kind), isTool: isTool(ctx) },
	files: files.map(toNamedFile),
	candidates: pickCandidates(files, kind).map(toNamedFile),
});

function attempt<T>(work: () => T): T | undefined {
	try {
		return work();
	} catch {
		return undefined;
	}
}

const lookInsideAll = async (storage: Storage, files: ItemFile[]): Promise<ItemFile[]> =>
	await Promise.all(files.map(async (file) => await lookInside(storage, file)));

async function findOnlyFile(wanted: Wanted): Promise<ItemFile> {
	const { ctx, storage, row, kind } = wanted;
	const files = listFiles(ctx, row);
	const labelled = await Promise.all(
		files.map(async (file) => (file.kind ? file : await lookInside(storage, file))),
	);
	// Labels can be wrong, so where they name none or several the content decides.
	let candidates = pickCandidates(labelled, kind);
	const seen = candidates.length === 1 ? labelled : await lookInsideAll(storage, files);
	if (candidates.length !== 1) candidates = pickCandidates(seen, kind);
	const [candidate] = candidates;
	if (candidate && candidates.length === 1) return candidate;
	const reason = candidates.length === 0 ? 'noFileOfKind' : 'severalFiles';
	return fail('invalidInput', reason, { search: toSearch(wanted, seen) }, inField(kind));
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
	const seen = await lookInside(wanted.storage, file);
	if (seen.kind !== wanted.kind) await refuseFile(wanted, seen);
}

export async function refuseFile(wanted: Wanted, file: ItemFile): Promise<never> {
	const { ctx, storage, row, kind } = wanted;
	const search = toSearch(wanted, await lookInsideAll(storage, listFiles(ctx, row)));
	const facts = { file: toNamedFile(file), isShared: isSharedName(wanted), search };
	return fail('invalidInput', 'fileOfWrongKind', facts, inField(kind));
}

/** Both fields with one name: a Merge has dropped one of two files that were called the same. */
function isSharedName({ parameters, kind }: Wanted): boolean {
	const other = kind === 'image' ? 'audio' : 'image';
	if (parameters.raw(`${other}Source`) !== 'binary') return false;
	const name = parameters.raw(nameOf(kind));
	return name !== '' && parameters.raw(nameOf(other)) === name;
}
