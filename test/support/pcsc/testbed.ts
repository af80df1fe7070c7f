import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the runner tells the command it runs: which readers there are and how to steer the daemon. */
export interface PcscTestbed {
  /** `name` as PC/SC programs see it; `port` where a virtual card connects on 127.0.0.1. */
  readonly readers: readonly { readonly name: string; readonly port: number; /** While this file is there, the reader is unplugged. */ readonly unplugged: string }[];
  readonly configFolder: string;
  readonly log: string;
  readonly pidFile: string;
  readonly preload: string;
}

export const TESTBED_VARIABLE = 'DOCKWARD_PCSC_TESTBED';
export const PCSCD = '/usr/sbin/pcscd';

const DRIVER_PLACES = ['/usr/lib/pcsc/drivers/serial/libifdvpcd.so', '/usr/lib64/pcsc/drivers/serial/libifdvpcd.so'];
export const virtualReaderDriver = (): string | undefined => DRIVER_PLACES.find((place) => existsSync(place));

/** The testbed this process runs in, if any. */
export function currentTestbed(): PcscTestbed | undefined {
  const told = process.env[TESTBED_VARIABLE];
  return told === undefined ? undefined : (JSON.parse(told) as PcscTestbed);
}

export function slotOf(testbed: PcscTestbed, index: number): PcscTestbed['readers'][number] {
  const slot = testbed.readers[index];
  if (slot === undefined) throw new Error(`the testbed has no slot ${index}`);
  return slot;
}

/** Own mounts, network and processes: nothing is exposed, runs are parallel, and all of it ends with its first process. */
export const UNSHARE = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];

/** Why real pcscd cannot be run here, in words; undefined where it can. */
export function whyNoTestbed(): string | undefined {
  if (process.platform !== 'linux') return 'virtual readers need Linux';
  if (!existsSync(PCSCD)) return 'pcscd is not installed';
  if (virtualReaderDriver() === undefined) return 'vsmartcard-vpcd is not installed';
  if (spawnSync('ip', ['-V']).error !== undefined) return 'iproute2 is not installed';
  const parts: CompiledPart[] = ['preload', 'driver'];
  if (!parts.every((part) => existsSync(compiledPath(part))) && spawnSync('cc', ['--version']).error !== undefined) return 'no C compiler (cc) for the test shim';
  const allowed = spawnSync('unshare', [...UNSHARE, 'true'], { encoding: 'utf8' });
  if (allowed.status !== 0) return `namespaces are not permitted: ${(allowed.error?.message ?? allowed.stderr).trim()}`;
  return undefined;
}

/** What is compiled once and kept in the cache: the shim that is preloaded into pcscd, and the driver that can be unplugged. */
const SOURCES = { preload: 'nodelay.c', driver: 'pluggable.c' } as const;
export type CompiledPart = keyof typeof SOURCES;
const CACHE = fileURLToPath(new URL('../../../.cache/pcsc', import.meta.url));

const sourceOf = (part: CompiledPart): string => fileURLToPath(new URL(SOURCES[part], import.meta.url));

function compiledPath(part: CompiledPart): string {
  const version = createHash('sha256').update(readFileSync(sourceOf(part))).digest('hex').slice(0, 12);
  return join(CACHE, `${SOURCES[part].replace('.c', '')}-${process.arch}-${version}.so`);
}

/** Compiles a part where it is missing; runs that start at once do not see each other's half. */
export function compiled(part: CompiledPart): string {
  const path = compiledPath(part);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const half = `${path}.${process.pid}`;
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-o', half, sourceOf(part), '-ldl']);
  renameSync(half, path);
  return path;
}
