import type { Semaphore } from '../../async/semaphore';
import type { Waiter } from '../../async/waiter';
import type { HttpOutcome, Send } from './types';

/** Only so many requests are under way at a time, and the rest wait for their turn, until their deadlines at most. */
export function sendInTurn(send: Send, slots: Semaphore, waiter: Waiter): Send {
	return async (request) => {
		// Submits and uploads have limits of their own, and must not wait behind thousands of checks.
		if (request.method === 'PUT' || request.finishOnStop) return await send(request);
		const { deadline = Infinity, whyGiveUp } = request;
		const release = await slots.acquireBefore(waiter, deadline);
		if (!release) return NO_TURN;
		const sendNow = async (): Promise<HttpOutcome> => {
			// Others may have found out meanwhile that the service is down: each turn would take half a minute.
			const reason = whyGiveUp?.();
			if (reason) throw reason;
			// What the wait for the turn has taken is not left for the answer.
			const timeoutMs = Math.max(1, Math.min(request.timeoutMs, deadline - waiter.clock.now()));
			return await send({ ...request, timeoutMs });
		};
		return await sendNow().finally(release);
	};
}

const NO_TURN: HttpOutcome = {
	answered: false,
	reason: 'noTurn',
	text: 'too many other requests were under way until its time limit',
};
