import type { SentEntry } from '../../../nodes/shared/batch/ledger';
import type { SubmitInput } from '../../../nodes/shared/wavespeed/tasks/submitTask';

export const LEDGER_INPUT: SubmitInput = {
	image: 'https://files.example/face.png',
	audio: 'https://files.example/voice.mp3',
	prompt: 'a smile',
	resolution: '720p',
	seed: 0,
};

/** What the ledger is told before a submit leaves. */
export const sentEntry = (sentAt: number, costUsd?: number, input = LEDGER_INPUT): SentEntry => ({
	sentAt,
	clock: 'service',
	accountId: 'account',
	submissionId: `submission ${sentAt}`,
	isSeedDrawn: true,
	asked: 'asked',
	input,
	costUsd,
});
