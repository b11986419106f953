/** A WAV of silence: 8 kHz, mono, 8 bit; 600 s are 4.8 MB. */

const RATE = 8_000;
const HEADER_BYTES = 44;
const SILENCE = 128;

export function makeSilence(seconds: number): Buffer {
	const bytes = Math.round(seconds * RATE);
	const wav = Buffer.alloc(HEADER_BYTES + bytes, SILENCE);
	wav.write('RIFF', 0);
	wav.writeUInt32LE(HEADER_BYTES - 8 + bytes, 4);
	wav.write('WAVEfmt ', 8);
	wav.writeUInt32LE(16, 16);
	wav.writeUInt16LE(1, 20);
	wav.writeUInt16LE(1, 22);
	wav.writeUInt32LE(RATE, 24);
	wav.writeUInt32LE(RATE, 28);
	wav.writeUInt16LE(1, 32);
	wav.writeUInt16LE(8, 34);
	wav.write('data', 36);
	wav.writeUInt32LE(bytes, 40);
	return wav;
}
