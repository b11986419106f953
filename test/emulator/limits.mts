import { refusal } from './answers.mts';
import type { AccountLevel } from './types.mts';

interface Limits {
	inFlight: number;
	perMinute: number;
}

/** WaveSpeedAI docs, Account Levels: concurrent tasks and videos per minute. */
const LIMITS: Record<AccountLevel, Limits> = {
	bronze: { inFlight: 2, perMinute: 2 },
	silver: { inFlight: 300, perMinute: 500 },
	gold: { inFlight: 3000, perMinute: 3000 },
	ultra: { inFlight: 10_000, perMinute: 5000 },
};

const MINUTE_MS = 60_000;

export interface RateWindow {
	minute: number;
	accepted: number;
}

export function limitsOf(level: AccountLevel): Limits {
	return LIMITS[level];
}

/** "Counters reset every minute" (WaveSpeedAI docs, Troubleshooting Guide): fixed windows, only accepted tasks count. */
export function checkRate(window: RateWindow, level: AccountLevel, now: number): void {
	const minute = Math.floor(now / MINUTE_MS);
	if (window.minute !== minute) {
		window.minute = minute;
		window.accepted = 0;
	}
	if (window.accepted >= LIMITS[level].perMinute) {
		throw refusal(429, 'You have reached your rate limit');
	}
}

export function checkConcurrency(level: AccountLevel, inFlight: number): void {
	if (inFlight >= LIMITS[level].inFlight) {
		throw refusal(429, 'You have reached your concurrency limit');
	}
}
