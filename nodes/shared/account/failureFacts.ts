declare module '../wavespeed/failures' {
	interface FailureFacts {
		secretUnderWay: object;
		secretTooSlow: object;
		/** `said`: what came in the place of an answer to the submits before. */
		submitsHeldBack: { said: string };
	}
}

export {};
