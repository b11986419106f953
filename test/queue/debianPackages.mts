import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The package's own service must not start: the tests run these programs on ports and in folders of their own. */
const INSTALL = `
policy=/usr/sbin/policy-rc.d
trap 'exit 1' INT TERM
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\\nexit 101\\n' >"$policy"
	chmod +x "$policy"
fi
apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends "$@"
`;

/** Where Debian keeps the server programs of PostgreSQL, one folder for each version. */
const POSTGRES_FOLDER = '/usr/lib/postgresql';

export interface Programs {
	redisServer: string;
	postgres: string;
	initdb: string;
}

function findOnPath(name: string): string | undefined {
	const paths = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
	return paths.find((path) => existsSync(path));
}

function findOfPostgres(name: string): string | undefined {
	const versions = existsSync(POSTGRES_FOLDER) ? readdirSync(POSTGRES_FOLDER) : [];
	const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
	const paths = newestFirst.map((version) => join(POSTGRES_FOLDER, version, 'bin', name));
	return paths.find((path) => existsSync(path)) ?? findOnPath(name);
}

function findPrograms(): Partial<Programs> {
	return {
		redisServer: findOnPath('redis-server'),
		postgres: findOfPostgres('postgres'),
		initdb: findOfPostgres('initdb'),
	};
}

/** Finds Redis and PostgreSQL, and installs Debian's packages of what is missing. */
export function ensurePrograms(): Programs {
	const found = findPrograms();
	const missing = [
		...(found.redisServer ? [] : ['redis-server']),
		...(found.postgres && found.initdb ? [] : ['postgresql']),
	];
	if (missing.length > 0) install(missing);
	const { redisServer, postgres, initdb } = findPrograms();
	if (!redisServer || !postgres || !initdb) {
		throw new Error(`Queue mode needs these Debian packages: ${missing.join(', ')}.`);
	}
	return { redisServer, postgres, initdb };
}

function install(packages: string[]): void {
	process.stderr.write(`Installing ${packages.join(', ')} …\n`);
	const command = ['sh', '-c', INSTALL, 'sh', ...packages];
	if (process.getuid?.() !== 0) command.unshift('sudo');
	const { status, stdout, stderr } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' });
	if (status === 0) return;
	throw new Error(`apt-get install ${packages.join(' ')} failed:\n${stdout}\n${stderr}`);
}
