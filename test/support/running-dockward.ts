import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { z } from 'zod';
import { fleetHistory, fleetView, type FleetView } from '../../app/contract/fleet.ts';
import { kioskPush, type KioskCommand, type Snapshot } from '../../app/contract/kiosk.ts';
import * as request from '../../app/simulator/requests.ts';
import { worldView, type WorldView } from '../../app/simulator/world-view.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = ['kiosk', 'fleet', 'panel'];
/** A first start makes a PostgreSQL cluster, and the machine may be busy with other suites. */
const READY_DEADLINE_MS = 240_000;
const END_DEADLINE_MS = 60_000;
const FACT_DEADLINE_MS = 60_000;
const KEPT_OUTPUT = 40_000;

const readyLine = z.strictObject({
  central: z.strictObject({ url: z.url(), stationUrl: z.url(), admin: z.strictObject({ user: z.string(), password: z.string() }), auditorToken: z.string() }),
  kiosk: z.strictObject({ url: z.url() }),
  simulator: z.strictObject({ url: z.url() }),
  station: z.strictObject({ id: z.string(), data: z.string() }),
});
export type Ready = z.infer<typeof readyLine>;

export interface RunningDockward {
  readonly ready: Ready;
  /** The end of what its programs have written to standard error. */
  output(): string;
  /** Ctrl-C: SIGINT to the whole group. Resolves with the exit code once nothing of the group is left. */
  interrupt(): Promise<number | null>;
  /** SIGKILL to the whole group, as a power cut would end it. Resolves once nothing of the group is left. */
  kill(): Promise<void>;
}

/** Starts the whole product as `npm start -- --headless --data DIR` does, in a process group of its own, and waits for `ready`. */
export async function startDockward({ data, flags = [] }: { readonly data: string; readonly flags?: readonly string[] }): Promise<RunningDockward> {
  for (const page of PAGES) if (!existsSync(`${ROOT}/dist/${page}/index.html`)) throw new Error(`dist/${page} is not built: npm run build`);
  const ports = ['--port', '--station-port', '--kiosk-port', '--simulator-port'].flatMap((flag) => [flag, '0']);
  const child = spawn(process.execPath, ['app/entrypoints/start.ts', '--headless', '--data', data, ...ports, ...flags], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A test runner's own settings are not the product's.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST') && name !== 'TEST' && name !== 'NODE_OPTIONS' && name !== 'NODE_ENV')),
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('start.ts could not be started');
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
  });
  // A runner that ends without its clean-up must not leave a product behind.
  const killAtExit = (): void => signalGroup(pid, 'SIGKILL');
  process.once('exit', killAtExit);
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const endedWhole = async (): Promise<number | null> => {
    const code = await Promise.race([ended, pause(END_DEADLINE_MS, 'late' as const)]);
    if (code === 'late') throw new Error(`start.ts did not end within ${END_DEADLINE_MS} ms:\n${output}`);
    await eventually('the end of every process of the group', async () => !(await isGroupAlive(pid)), END_DEADLINE_MS);
    process.off('exit', killAtExit);
    return code;
  };
  const kill = async (): Promise<void> => {
    signalGroup(pid, 'SIGKILL');
    await endedWhole();
  };
  const ready = new Promise<Ready>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('ready ')) resolve(readyLine.parse(JSON.parse(line.slice('ready '.length))));
    });
    ended.then((code) => reject(new Error(`start.ts ended (exit ${code}) before it was ready:\n${output}`)), reject);
  });
  const first = await Promise.race([ready, pause(READY_DEADLINE_MS, undefined, { ref: false })]).catch(async (error: unknown) => {
    await kill();
    throw error;
  });
  if (first === undefined) {
    await kill();
    throw new Error(`not ready within ${READY_DEADLINE_MS} ms:\n${output}`);
  }
  return {
    ready: first,
    output: () => output,
    interrupt: () => {
      signalGroup(pid, 'SIGINT');
      return endedWhole();
    },
    kill,
  };
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** A zombie is dead: in a namespace whose first process does not collect orphans it stays listed. */
async function isGroupAlive(leader: number): Promise<boolean> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (group === String(leader) && state !== 'Z' && state !== 'X') return true;
  }
  return false;
}

const isGone = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ESRCH';

/** Command lines of the processes on this machine that name this folder: PostgreSQL's own children leave its group. */
export async function processesNaming(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    const line = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(folder)) found.push(`${entry} ${line.replaceAll('\0', ' ')}`);
  }
  return found;
}

/** Waits until `look` gives something other than undefined or false; fails by saying what was waited for. */
export async function eventually<Fact>(what: string | (() => string), look: () => Fact | undefined | false | Promise<Fact | undefined | false>, deadlineMs = FACT_DEADLINE_MS, everyMs = 25): Promise<Fact> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const fact = await look();
    if (fact !== undefined && fact !== false) return fact;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain for ${typeof what === 'string' ? what : what()}`);
    await pause(everyMs);
  }
}

export interface KioskWire {
  /** The latest snapshot; undefined before the first. */
  latest(): Snapshot | undefined;
  until(what: string, holds: (snapshot: Snapshot) => boolean, deadlineMs?: number): Promise<Snapshot>;
  /** Sends a command; a refusal is not an error here. */
  send(command: KioskCommand): void;
  close(): void;
}

/** The kiosk page's own wire, beside the page: every push is parsed by the contract; it dials again like the page does. */
export function watchKiosk(url: string, onSnapshot: (snapshot: Snapshot) => void = () => undefined): KioskWire {
  const { host, hash } = new URL(url);
  let latest: Snapshot | undefined;
  let nonsense: Error | undefined;
  let closed = false;
  let nextId = 1;
  let socket: WebSocket;
  const dial = (): void => {
    socket = new WebSocket(`ws://${host}/kiosk?${hash.slice(1)}`);
    socket.on('message', (data) => {
      const push = kioskPush.safeParse(JSON.parse(String(data)));
      if (!push.success) nonsense = new Error(`the station sent what the contract does not know: ${push.error.message}`);
      else if ('snapshot' in push.data) {
        latest = push.data.snapshot;
        onSnapshot(latest);
      }
    });
    socket.on('error', () => socket.terminate());
    socket.on('close', () => {
      if (!closed) setTimeout(dial, 100);
    });
  };
  dial();
  return {
    latest: () => latest,
    until: (what, holds, deadlineMs) =>
      eventually(
        () => `${what}; the kiosk shows ${JSON.stringify(latest && { ...latest, slots: latest.slots.map(({ slot, look, mark, reason }) => [slot, look, mark, reason].filter(Boolean).join(' ')) })}`,
        () => {
          if (nonsense) throw nonsense;
          return latest && holds(latest) ? latest : undefined;
        },
        deadlineMs,
        10,
      ),
    send: (command) => {
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ id: nextId++, request: command }));
    },
    close: () => {
      closed = true;
      socket.terminate();
    },
  };
}

/** What the simulator's API takes, by path under /api. */
const REQUESTS = {
  tap: request.tapRequest,
  undock: request.undockRequest,
  dock: request.dockRequest,
  break: request.breakRequest,
  network: request.networkRequest,
  'clock/advance': request.advanceRequest,
  'mdm/misbehave': request.misbehaveRequest,
  readers: request.readersRequest,
  night: request.nightRequest,
  'night/stop': request.nothing,
  'device-host/kill': request.nothing,
  'station/kill': request.nothing,
} as const;

export interface SimulatorClient {
  world(): Promise<WorldView>;
  /** POST /api/<path>; throws with the simulator's own words when it refuses. */
  post<Path extends keyof typeof REQUESTS>(path: Path, body: z.input<(typeof REQUESTS)[Path]>): Promise<unknown>;
}

export function simulatorAt(url: string): SimulatorClient {
  return {
    world: async () => worldView.parse(await (await fetch(new URL('/api/world', url))).json()),
    post: async (path, body) => {
      const answer = await fetch(new URL(`/api/${path}`, url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
      const said: unknown = await answer.json();
      if (!answer.ok) throw new Error(`the simulator refused ${path} ${JSON.stringify(body)}: ${JSON.stringify(said)}`);
      return said;
    },
  };
}

export interface FleetClient {
  fleet(): Promise<FleetView>;
  history(device: string): Promise<z.infer<typeof fleetHistory>['events']>;
}

/** The fleet page's API, signed in as its first administrator. */
export async function fleetAt({ url, admin }: Ready['central']): Promise<FleetClient> {
  const opened = await fetch(new URL('/api/sign-in', url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(admin) });
  if (!opened.ok) throw new Error(`sign-in was refused: ${opened.status} ${await opened.text()}`);
  const cookie = opened.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
  const get = async (path: string): Promise<unknown> => {
    const answer = await fetch(new URL(path, url), { headers: { cookie } });
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  return {
    fleet: async () => fleetView.parse(await get('/api/fleet')),
    history: async (device) => fleetHistory.parse(await get(`/api/history?limit=500&device=${device}`)).events,
  };
}
