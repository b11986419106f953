import { canReach, isPublicAddress } from '../../nodes/shared/n8n/waiting/reachable';

/** Whether a service elsewhere could call an address. */

test.each([
	'https://n8n.example.com/webhook-waiting/1',
	'http://8.8.8.8:5678/x',
	'https://172.32.0.1/',
	'https://100.63.0.1/',
	'https://100.128.0.1/',
	'https://192.169.0.1/',
	'https://[2001:db8::1]/',
	'https://local.example.org/',
])('%s is public', (address) => {
	expect(isPublicAddress(address)).toBe(true);
});

test.each([
	'http://localhost:5678/webhook-waiting/1',
	'http://LOCALHOST/',
	'http://127.0.0.1:5678/',
	'http://0.0.0.0:5678/',
	'http://10.1.2.3/',
	'http://172.16.0.1/',
	'http://172.31.255.255/',
	'http://192.168.1.10/',
	'http://100.64.0.1/',
	'http://100.127.9.9/',
	'http://169.254.169.254/',
	'http://[::1]/',
	'http://[fe80::1]/',
	'http://[fd00::1]/',
	'http://[::ffff:10.0.0.1]/',
	'http://n8n:5678/',
	'http://raspberry.local/',
	'http://raspberry.local./',
	'http://n8n.internal/',
	'http://nas.lan/',
	'http://0x7f000001/',
	'http://2130706433/',
	'no address',
	'',
])('%s is not', (address) => {
	expect(isPublicAddress(address)).toBe(false);
});

test('a service on this machine reaches whatever this machine reaches', () => {
	expect(canReach('http://localhost:4010', 'http://127.0.0.1:5678/x')).toBe(true);
	expect(canReach('http://127.0.0.1:4010', 'http://192.168.1.10/x')).toBe(true);
	expect(canReach('https://api.wavespeed.ai', 'http://127.0.0.1:5678/x')).toBe(false);
	expect(canReach('https://localhost.evil.example', 'http://127.0.0.1:5678/x')).toBe(false);
});

test('WaveSpeed calls secure addresses only, and would refuse the submit with another one', () => {
	expect(canReach('https://api.wavespeed.ai', 'https://n8n.example.com/x')).toBe(true);
	expect(canReach('https://api.wavespeed.ai', 'http://n8n.example.com:5678/x')).toBe(false);
	expect(canReach('https://api.wavespeed.ai', 'http://8.8.8.8:5678/x')).toBe(false);
});
