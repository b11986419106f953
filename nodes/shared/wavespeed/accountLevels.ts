/** What the account allows (docs: Account levels). `submitsPerMinute` is the figure for videos. */
export const ACCOUNT_LIMITS = {
	bronze: { tasksInFlight: 2, submitsPerMinute: 2 },
	silver: { tasksInFlight: 300, submitsPerMinute: 500 },
	gold: { tasksInFlight: 3000, submitsPerMinute: 3000 },
	ultra: { tasksInFlight: 10_000, submitsPerMinute: 5000 },
} as const;

export type AccountLevel = keyof typeof ACCOUNT_LIMITS;
