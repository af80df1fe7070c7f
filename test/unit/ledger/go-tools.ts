import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

// Debian: golang-go golang-golang-x-mod-dev.
const GO = '/usr/bin/go';
const GO_SOURCES = '/usr/share/gocode';

/** What this machine lacks to compile the auditors; undefined where nothing. */
export const GO_MISSING = [GO, `${GO_SOURCES}/src/golang.org/x/mod/sumdb/tlog`].find((path) => !existsSync(path));
export const WITHOUT_GO = `${GO_MISSING} is missing (apt-get install golang-go golang-golang-x-mod-dev)`;

/** Compiles `go/<name>.go` to `target`. */
export async function buildGo(name: string, target: string): Promise<void> {
  const source = fileURLToPath(new URL(`go/${name}.go`, import.meta.url));
  await promisify(execFile)(GO, ['build', '-o', target, source], { env: { ...process.env, GOPATH: GO_SOURCES, GO111MODULE: 'off', GOFLAGS: '' } });
}
