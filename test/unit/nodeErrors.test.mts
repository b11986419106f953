import { nameTask } from '../../nodes/shared/n8n/errors/nodeErrors';

describe('an error row that has a text only', () => {
	it('names the task of a text that leaves its ID to the details', () => {
		const text = "WaveSpeed doesn't accept the API key (invalid).";
		expect(nameTask(text, { taskId: 'abc' })).toBe(`${text} Task ID: abc`);
		expect(nameTask(text, { candidateTaskIds: ['abc', 'def'] })).toBe(`${text} Task ID: abc, def`);
	});

	it('does not name it twice, and says nothing where there is none', () => {
		expect(nameTask('Task abc has not ended.', { taskId: 'abc' })).toBe('Task abc has not ended.');
		expect(nameTask('The file is empty.', {})).toBe('The file is empty.');
	});
});
