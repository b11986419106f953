import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';

/** A certificate for 127.0.0.1 that only its owner believes, made without any tool. (RFC 5280, X.690.) */
export function makeCertificate(): { key: string; cert: string } {
	const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
	const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
	const publicKey = pair.publicKey.export({ type: 'spki', format: 'der' });

	const ecdsaWithSha256 = der(SEQUENCE, oid('2a8648ce3d040302'));
	const commonName = der(SEQUENCE, oid('550403'), der(UTF8_STRING, Buffer.from('test')));
	const name = der(SEQUENCE, der(SET, commonName));
	const validity = der(SEQUENCE, time('20200101000000Z'), time('21000101000000Z'));
	const isAuthority = extension('551d13', der(SEQUENCE, der(BOOLEAN, Buffer.from([0xff]))));
	const address = der(IP_ADDRESS, Buffer.from([127, 0, 0, 1]));
	const alternativeName = extension('551d11', der(SEQUENCE, address));
	const body = der(
		SEQUENCE,
		der(EXPLICIT_0, der(INTEGER, Buffer.from([2]))),
		der(INTEGER, Buffer.from([1])),
		ecdsaWithSha256,
		name,
		validity,
		name,
		publicKey,
		der(EXPLICIT_3, der(SEQUENCE, isAuthority, alternativeName)),
	);
	const signature = sign('sha256', body, createPrivateKey(key));
	const bits = der(BIT_STRING, Buffer.concat([Buffer.from([0]), signature]));
	const whole = der(SEQUENCE, body, ecdsaWithSha256, bits).toString('base64');
	const lines = whole.match(/.{1,64}/g)?.join('\n') ?? '';
	return { key, cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` };
}

const BOOLEAN = 0x01;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const IP_ADDRESS = 0x87;
const EXPLICIT_0 = 0xa0;
const EXPLICIT_3 = 0xa3;

function der(tag: number, ...parts: Buffer[]): Buffer {
	const content = Buffer.concat(parts);
	const { length } = content;
	const size = length < 0x80 ? [length] : [0x82, length >> 8, length & 0xff];
	return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const oid = (hex: string): Buffer => der(OBJECT_IDENTIFIER, Buffer.from(hex, 'hex'));
const time = (text: string): Buffer => der(GENERALIZED_TIME, Buffer.from(text));
const extension = (id: string, value: Buffer): Buffer =>
	der(SEQUENCE, oid(id), der(OCTET_STRING, value));
