import { createEndedTasks } from '../../nodes/Wan22SpeechToVideo/endedTasks';
import { toUnreadTask } from '../../nodes/shared/wavespeed/tasks/task';

describe('the tasks of parked executions that were seen to end', () => {
	it('are known until the execution has gone on', () => {
		const ended = createEndedTasks(10);
		ended.note('1', toUnreadTask('a'));
		ended.note('1', toUnreadTask('b'));
		expect([...ended.of('1').keys()]).toEqual(['a', 'b']);
		expect([...ended.of('2').keys()]).toEqual([]);
		ended.forget('1');
		expect([...ended.of('1').keys()]).toEqual([]);
	});

	it('never fill the memory: the oldest executions are dropped', () => {
		const ended = createEndedTasks(3);
		for (const execution of ['1', '2', '3']) {
			ended.note(execution, toUnreadTask('a'));
			ended.note(execution, toUnreadTask('a'));
			ended.note(execution, toUnreadTask('b'));
		}
		expect([...ended.of('1').keys(), ...ended.of('2').keys()]).toEqual([]);
		expect([...ended.of('3').keys()]).toEqual(['a', 'b']);
	});
});
