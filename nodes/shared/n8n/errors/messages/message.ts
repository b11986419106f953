import type { Failure, FailureFacts, FailureReason } from '../../../wavespeed/failures';

export interface Message {
	/** What happened; without a full stop. */
	message: string;
	/** What to do; whole sentences. */
	advice: string;
}

/** The words for some reasons. `describe` gives those of a failure behind the failure. */
export type Messages<R extends FailureReason> = {
	readonly [Reason in R]: (
		facts: FailureFacts[Reason],
		describe: (failure: Failure) => Message,
	) => Message;
};

/** The parts of a text that are there, as sentences in a row. */
export const join = (...parts: (string | false | undefined)[]): string =>
	parts.filter((part) => part).join(' ');

export const DOWNLOAD_LATER =
	'The video exists and is paid for. Open its URL, or run "Get" with this ID and "Download Video".';
