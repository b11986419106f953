import { textAt } from './formats';

/** How long a recording plays, where the first bytes of its file tell that for certain: WAV and FLAC. */

/** Enough for the chunks that programs put before the sound of a WAV. */
export const LENGTH_HEAD_BYTES = 4096;

/** Seconds; undefined if the file doesn't tell, or may not say the truth. */
export function readAudioSeconds(head: Buffer, byteCount: number): number | undefined {
	const seconds = readWavSeconds(head, byteCount) ?? readFlacSeconds(head);
	return seconds !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
}

/** PCM, float, A-law, µ-law and "extensible": each second has the same number of bytes. */
const EVEN_FORMATS: ReadonlySet<number> = new Set([0x0001, 0x0003, 0x0006, 0x0007, 0xfffe]);

const CHUNK_HEADER_BYTES = 8;

function readWavSeconds(head: Buffer, byteCount: number): number | undefined {
	if (textAt(head, 0, 4) !== 'RIFF' || textAt(head, 8, 12) !== 'WAVE') return undefined;
	let bytesPerSecond: number | undefined;
	for (let at = 12; at + CHUNK_HEADER_BYTES <= head.length; ) {
		const name = textAt(head, at, at + 4);
		const size = head.readUInt32LE(at + 4);
		const start = at + CHUNK_HEADER_BYTES;
		if (name === 'fmt ') bytesPerSecond = readBytesPerSecond(head.subarray(start));
		if (name === 'data') {
			// A WAV that was written while it was recorded announces no true size: the rest of the file is sound.
			const soundBytes = Math.min(size === 0 ? Infinity : size, byteCount - start);
			return bytesPerSecond === undefined ? undefined : soundBytes / bytesPerSecond;
		}
		// Chunks begin at even places.
		at = start + size + (size % 2);
	}
	return undefined;
}

function readBytesPerSecond(format: Buffer): number | undefined {
	if (format.length < 16 || !EVEN_FORMATS.has(format.readUInt16LE(0))) return undefined;
	const bytesPerSecond = format.readUInt32LE(8);
	// Frames per second times the bytes of a frame; what doesn't fit together can't be relied on.
	const expected = format.readUInt32LE(4) * format.readUInt16LE(12);
	return bytesPerSecond > 0 && bytesPerSecond === expected ? bytesPerSecond : undefined;
}

const STREAM_INFO_END = 26;

/** STREAMINFO comes first in every FLAC: 20 bits of sample rate, 8 of channels and depth, 36 of samples. */
function readFlacSeconds(head: Buffer): number | undefined {
	if (textAt(head, 0, 4) !== 'fLaC' || head.length < STREAM_INFO_END) return undefined;
	const samplesPerSecond = head.readUIntBE(18, 3) >> 4;
	const samples = (head.readUInt8(21) & 0x0f) * 2 ** 32 + head.readUInt32BE(22);
	// 0: unknown to the program that wrote it.
	return samplesPerSecond === 0 || samples === 0 ? undefined : samples / samplesPerSecond;
}
