import { describe as toMessage } from '../../../nodes/shared/n8n/errors/messages';
import type { Message } from '../../../nodes/shared/n8n/errors/messages/message';
import { type Failure, failureOf } from '../../../nodes/shared/wavespeed/failures';

/** A failure with the words that users see for it. */
export type FailureInWords = Failure & Message;

export const inWords = (failure: Failure): FailureInWords => ({
	...failure,
	...toMessage(failure),
});

/** Throws for whatever is no failure. */
export function failureInWords(error: unknown): FailureInWords {
	const failure = failureOf(error);
	if (!failure) throw error;
	return inWords(failure);
}
