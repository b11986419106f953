/** Loaded into n8n by the benchmark: tells its memory over HTTP, and what is left of it after a collection. */
const port = process.env.MEMORY_PROBE_PORT;
const isServer = ['start', 'worker'].some((command) => process.argv.includes(command));
if (port !== undefined && isServer) {
	require('node:v8').setFlagsFromString('--expose-gc');
	const collect = require('node:vm').runInNewContext('gc');
	const server = require('node:http').createServer((request, response) => {
		if (request.url === '/collect') for (let round = 0; round < 3; round += 1) collect();
		const { user, system } = process.cpuUsage();
		response.end(JSON.stringify({ ...process.memoryUsage(), cpuMs: (user + system) / 1000 }));
	});
	server.listen(Number(port), '127.0.0.1').unref();
}
