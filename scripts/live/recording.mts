import { extname } from 'node:path';

import { MODEL_ID } from '../../nodes/shared/wavespeed/endpoints';
import { isRecord } from '../../nodes/shared/json';
import { valueAt } from '../n8n/shape.mts';
import type { Exchange } from './exchange.mts';
import type { Seen } from './probes.mts';

/** Answers of the service as a file that the tests read: nothing in it says whose account it was. */

export interface Recording {
	recordedAt: string;
	/** What each question saw; replayed, it has to see the same. */
	seen: Record<string, Seen>;
	exchanges: Exchange[];
}

export function toRecording(
	exchanges: Exchange[],
	seen: Map<string, Seen>,
	secrets: string[],
): Recording {
	const mask = createMask(secrets);
	const recording = {
		recordedAt: new Date(exchanges[0]?.at ?? 0).toISOString(),
		seen: mask(Object.fromEntries(seen)) as Recording['seen'],
		exchanges: exchanges.map((exchange) => ({ ...exchange, body: mask(exchange.body) })),
	};
	const text = JSON.stringify(recording);
	const leaked = secrets.find((secret) => secret !== '' && text.includes(secret));
	if (leaked !== undefined)
		throw new Error('A secret would have been recorded; nothing was written.');
	return recording;
}

const URL_PATTERN = /https?:\/\/[^\s"'<>)\]]+/g;
const ID_PATTERN = /\b[\da-f]{32}\b|\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b/g;
const MAIL_PATTERN = /[\w.+-]+@[\w-]+\.[\w.]+/g;
const PRIVATE_FIELDS = /secret|signature|authorization|token|access_?key|e?mail|user|organization/i;

/** The same address or ID becomes the same stand-in everywhere, so that what belongs together still does. */
function createMask(secrets: string[]): (value: unknown) => unknown {
	const stands = new Map<string, string>();
	const standFor = (text: string, make: (count: number) => string): string => {
		const known = stands.get(text) ?? make(stands.size + 1);
		stands.set(text, known);
		return known;
	};
	const maskText = (text: string): string => {
		let masked = text;
		for (const secret of secrets) if (secret !== '') masked = masked.replaceAll(secret, '(hidden)');
		return masked
			.replace(URL_PATTERN, (url) =>
				standFor(url, (count) => `https://host.example/${count}${extensionOf(url)}`),
			)
			.replace(ID_PATTERN, (id) => standFor(id, (count) => String(count).padStart(32, '0')))
			.replace(MAIL_PATTERN, 'someone@example.com');
	};
	const maskField = (name: string, value: unknown): unknown => {
		if (name === 'balance' && typeof value === 'number') return 12.34;
		if (name === 'prompt' && typeof value === 'string') return 'a prompt';
		if (PRIVATE_FIELDS.test(name) && typeof value === 'string') {
			return value.startsWith('whsec_') ? 'whsec_hidden' : '(hidden)';
		}
		return mask(value);
	};
	const mask = (value: unknown): unknown => {
		if (typeof value === 'string') return maskText(value);
		if (Array.isArray(value)) return keepOwnModel(value).map(mask);
		if (!isRecord(value)) return value;
		return Object.fromEntries(
			Object.entries(value).map(([name, one]) => [name, maskField(name, one)]),
		);
	};
	return mask;
}

function extensionOf(url: string): string {
	return URL.canParse(url) ? extname(new URL(url).pathname).slice(0, 6) : '';
}

/** Of the catalogue, which has hundreds of models, only this one. */
function keepOwnModel(list: unknown[]): unknown[] {
	const isCatalogue =
		list.length > 0 && list.every((one) => valueAt(one, 'api_schema') !== undefined);
	return isCatalogue ? list.filter((one) => valueAt(one, 'model_id') === MODEL_ID) : list;
}
