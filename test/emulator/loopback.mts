/** This machine: where tests and a local n8n listen. */
export function isLoopback(url: string): boolean {
	const { hostname } = new URL(url);
	return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/** axios' `proxy`: a proxy from the environment is for other hosts; whoever listens here is reached directly. */
export function proxyFor(url: string): false | undefined {
	return isLoopback(url) ? false : undefined;
}
