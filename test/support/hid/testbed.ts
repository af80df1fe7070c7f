import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ReaderEvent } from '../../../native/adapters.ts';
import { systemClock } from '../../../native/clock.ts';
import { waitFor } from '../pcsc/wait-for.ts';

interface Done {
  readonly done: string;
  readonly value: number | null;
  readonly error?: string;
}

/** Debian's own: where its bindings of umockdev are. */
const PYTHON = '/usr/bin/python3';
const END_DEADLINE_MS = 3_000;
const beside = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Why virtual hidraw readers cannot be had here, in words; undefined where they can. */
export function whyNoHidTestbed(): string | undefined {
  if (process.platform !== 'linux') return 'virtual hidraw readers need Linux';
  const tried = spawnSync('umockdev-wrapper', [PYTHON, '-c', 'import gi; gi.require_version("UMockdev", "1.0"); from gi.repository import UMockdev; UMockdev.IoctlBase'], { encoding: 'utf8' });
  return tried.status === 0 ? undefined : 'umockdev, gir1.2-umockdev-1.0 or python3-gi is not installed';
}

export interface HidCart extends AsyncDisposable {
  readonly events: ReaderEvent[];
  /** As hid_cart.py names it; resolves when it is so, with what it answers: how often a reader was `asked`. */
  order(order: string): Promise<number | null>;
  /** Without what adapters and readers tell of themselves: `tap UID`, `tap-unreadable CAUSE`, `card-removed`. */
  cards(): string[];
}

/** The bus and the adapter are a process group of their own. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    if (!isGone) throw error;
  }
}

/** One adapter, in a process of its own, on a virtual bus with real hidraw calls below real node-hid. */
export function startHidCart(adapter: 'readers' | 'keyboard-shaped' | 'scanners' = 'readers'): HidCart {
  const child = spawn('umockdev-wrapper', [PYTHON, beside('hid_cart.py'), process.execPath, beside('readers-child.ts'), adapter], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const events: ReaderEvent[] = [];
  const done: Done[] = [];
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as ReaderEvent | Done;
    if ('done' in said) done.push(said);
    else events.push(said);
  });
  return {
    events,
    async order(order) {
      const before = done.length;
      child.stdin.write(`${order}\n`);
      const answer = await waitFor(`the virtual bus to ${order}`, () => done.slice(before).find((each) => each.done === order));
      if (answer.error !== undefined) throw new Error(`${order}: ${answer.error}`);
      return answer.value;
    },
    cards: () => events.flatMap((event) => (event.event === 'tap' ? [`tap ${event.uid}`] : event.event === 'tap-unreadable' ? [`tap-unreadable ${event.cause}`] : event.event === 'card-removed' ? ['card-removed'] : [])),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      const cancel = systemClock.after(END_DEADLINE_MS, () => killGroup(child.pid));
      await ended;
      cancel();
      // The bus may have died before the adapter on it.
      killGroup(child.pid);
    },
  };
}
