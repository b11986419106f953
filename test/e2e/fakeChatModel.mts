import { listAt, textAt, type JsonRecord } from '../../scripts/n8n/shape.mts';
import type { ServiceAnswer, ServiceRequest } from './fakeService.mts';

const answerWith = (message: JsonRecord, reason: string): ServiceAnswer => ({
	body: {
		...{ id: 'chat-1', object: 'chat.completion', created: 1_700_000_000, model: 'fake' },
		choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: reason }],
		usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
	},
});

/**
 * What the tool has told the model since the user's last message, or undefined before its first call; of several answers
 * the last. Those before it come out of the agent's memory.
 */
export function toolAnswer({ body }: ServiceRequest): string | undefined {
	const messages = listAt(body, 'messages');
	const asked = messages.map((message) => textAt(message, 'role')).lastIndexOf('user');
	const since = messages.slice(asked + 1).filter((message) => textAt(message, 'role') === 'tool');
	return textAt(since.at(-1), 'content');
}

/**
 * A chat model behind OpenAI's `POST /v1/chat/completions`: it calls a tool (the only one, or the one whose name fits) with
 * `values`, so many times at once, and repeats to the user what the tool has said.
 */
export const callTool =
	(values: JsonRecord, times: number, wanted = /./) =>
	(request: ServiceRequest): ServiceAnswer => {
		if (request.path !== '/v1/chat/completions') return { status: 404, body: {} };
		const said = toolAnswer(request);
		if (said !== undefined) return answerWith({ content: `The tool says: ${said}` }, 'stop');
		const names = listAt(request.body, 'tools').map((tool) => textAt(tool, 'function', 'name'));
		const name = names.find((found) => wanted.test(found ?? ''));
		const call = { name, arguments: JSON.stringify(values) };
		const calls = Array.from({ length: times }, (_, index) => ({
			...{ id: `call_${index + 1}`, type: 'function', function: call },
		}));
		return answerWith({ content: null, tool_calls: calls }, 'tool_calls');
	};
