/** n8n's protection of the network that it stands in, except for the emulator. To be imported before the engine. */
process.env.N8N_SSRF_PROTECTION_ENABLED = 'true';
process.env.N8N_SSRF_ALLOWED_IP_RANGES = '127.0.0.1/32';
