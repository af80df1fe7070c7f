import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SHIM_SOURCE = fileURLToPath(new URL('usbfs.c', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../.cache/adb', import.meta.url));
const READY_DEADLINE_MS = 10_000;
const run = promisify(execFile);

/** Why the real adb server cannot be shown tablets here, in words; undefined where it can. */
export function whyNoAdb(): string | undefined {
  if (process.platform !== 'linux') return 'the emulated USB bus needs Linux (LD_PRELOAD)';
  if (spawnSync('adb', ['version']).error !== undefined) return 'adb is not installed';
  if (!existsSync(shimPath()) && spawnSync('cc', ['--version']).error !== undefined) return 'no C compiler (cc) for the emulated USB bus';
  return undefined;
}

/** An unmodified adb server on a port of its own that sees the USB bus under `root`, with a home and a key of its own. */
export interface AdbServer {
  readonly port: number;
  /** What makes a program of this machine see the same home and bus. */
  readonly env: NodeJS.ProcessEnv;
  /** What the real adb client prints when it asks this server, which must be running. */
  adb(...command: string[]): Promise<string>;
  /** Starts it, or starts it again. Done when it takes connections. */
  start(): Promise<void>;
  /** As by `kill -9`. Done when it has ended. */
  kill(): Promise<void>;
  /** Ends it and removes its home. */
  remove(): Promise<void>;
}

/** Not started yet. */
export async function adbServer(root: string): Promise<AdbServer> {
  const home = mkdtempSync(join(tmpdir(), 'dockward-adb-'));
  const port = await freePort();
  const plain = { ...process.env, HOME: home, TMPDIR: home };
  // Below the first port at which adb would look for emulators: other tests' servers are none of its business.
  const env = { ...plain, DOCKWARD_USB_ROOT: root, LD_PRELOAD: prepareShim(), ADB_LOCAL_TRANSPORT_MAX_PORT: '5553' };
  let server: ChildProcess | undefined;

  async function kill(): Promise<void> {
    const ending = server;
    server = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise((resolve) => ending.once('exit', resolve));
    ending.kill('SIGKILL');
    await ended;
  }

  return {
    port,
    env,
    async adb(...command) {
      return (await run('adb', ['-P', String(port), ...command], { env: plain })).stdout;
    },
    async start() {
      server = spawn('adb', ['-P', String(port), 'nodaemon', 'server'], { env, stdio: 'ignore' });
      const end = performance.now() + READY_DEADLINE_MS;
      while (!(await answers(port))) {
        if (performance.now() > end || server.exitCode !== null) throw new Error(`the adb server did not come up on port ${port}`);
        await pause(10);
      }
    },
    kill,
    async remove() {
      await kill();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A port that was free a moment ago: adb cannot be told to choose one. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      if (address === null || typeof address === 'string') return reject(new Error('no port was given'));
      probe.close(() => resolve(address.port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function shimPath(): string {
  const version = createHash('sha256').update(readFileSync(SHIM_SOURCE)).digest('hex').slice(0, 12);
  return join(CACHE, `usbfs-${process.arch}-${version}.so`);
}

/** Compiles the shim where it is missing; runs that start at once do not see each other's half. */
function prepareShim(): string {
  const path = shimPath();
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const half = `${path}.${process.pid}`;
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-o', half, SHIM_SOURCE, '-ldl', '-lpthread']);
  renameSync(half, path);
  return path;
}
