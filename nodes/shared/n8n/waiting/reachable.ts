/** Names that lead nowhere outside of a network. */
const INSIDE_NAMES = /(^|\.)(localhost|local|internal|lan|home\.arpa|test|example|invalid)\.?$/i;

/** RFC 1918, carrier-grade NAT (also Tailscale), link-local, loopback, "this network", and what is for tests and multicast. */
const INSIDE_IPV4 =
	/^(0|10|127|22[4-9]|2[3-5]\d)\.|^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\.|^192\.168\.|^198\.1[89]\./;

const isLoopbackHost = (host: string): boolean =>
	host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);

const hostOf = (address: string): string | undefined =>
	URL.canParse(address) ? new URL(address).hostname.toLowerCase() : undefined;

/** Whether a server somewhere else could call this address. */
export function isPublicAddress(address: string): boolean {
	const host = hostOf(address);
	if (host === undefined || host === '') return false;
	// A global unicast address of IPv6 begins with 2 or 3; all others are for networks of their own.
	if (host.startsWith('[')) return /^\[[23][0-9a-f]{3}:/.test(host);
	if (/^\d+(\.\d+){3}$/.test(host)) return !INSIDE_IPV4.test(host);
	return host.includes('.') && !INSIDE_NAMES.test(host);
}

/**
 * Whether a service at `serviceUrl` can call this n8n at `address`: one on this machine reaches everything here. WaveSpeed
 * calls `https:` addresses only, and refuses a submit with another one. n8n's own begin with `http:` where it stands behind
 * a proxy and doesn't know its public one.
 */
export function canReach(serviceUrl: string, address: string): boolean {
	const service = hostOf(serviceUrl);
	if (service !== undefined && isLoopbackHost(service)) return URL.canParse(address);
	return isPublicAddress(address) && new URL(address).protocol === 'https:';
}
