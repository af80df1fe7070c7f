import type { HostClock } from '../clock.ts';
import { enumerationAt, isHub, portsInUse, USB_DEVICES } from './bus.ts';
import { loadUsbEvents, type UsbEvents } from './hotplug.ts';
import { lookOnNews } from './look-on-news.ts';

/** A tablet counts as pulled after this long: one that changes its USB mode is away for a moment, too. */
const PULLED_AFTER_MS = 1_000;

/** A USB device that is there now, hubs included. */
export interface SeenDevice {
  readonly port: string;
  readonly hub: boolean;
}

/** Why what was plugged in teaches nothing: it must be pulled, and the slot is asked for again. */
export type LearnProblem = { readonly cause: 'two-at-once' } | { readonly cause: 'hub'; readonly port: string } | { readonly cause: 'seen-before'; readonly slot: number };
/** What the person is asked for next: a tablet into `slot`, out of it again, everything out because of a problem, or nothing more. */
export type LearnStep =
  | { readonly ask: 'plug'; readonly slot: number }
  | { readonly ask: 'pull'; readonly slot: number; readonly port: string }
  | { readonly ask: 'pull-all'; readonly slot: number; readonly problem: LearnProblem }
  | { readonly ask: 'nothing' };

export interface Learning {
  readonly step: LearnStep;
  /** Slot number → USB port path, as far as learned; as `ports` of the host's configuration. */
  readonly ports: Readonly<Record<string, string>>;
  /** Slots still to learn after the one that is asked for. */
  readonly rest: readonly number[];
  /** What was there before: readers, keyboards, the cart's own hubs. */
  readonly ignored: ReadonlySet<string>;
  /** Since when nothing new is plugged in. */
  readonly emptyMs: number | undefined;
}

/** Everything that is plugged in when learning starts is not asked about. Pure, like `learn`. */
export function startLearning(slots: readonly number[], seen: readonly SeenDevice[]): Learning {
  return { ...next(slots, {}), ignored: new Set(seen.map(({ port }) => port)), emptyMs: undefined };
}

function next(slots: readonly number[], ports: Learning['ports']): Pick<Learning, 'step' | 'ports' | 'rest'> {
  const [slot, ...rest] = slots;
  return { ports, rest, step: slot === undefined ? { ask: 'nothing' } : { ask: 'plug', slot } };
}

/** The next state, from what is plugged in now. The same `Learning` while nothing changes. */
export function learn(before: Learning, seen: readonly SeenDevice[], nowMs: number): Learning {
  const learning = withoutLeft(before, seen);
  const { step, ports, rest, ignored } = learning;
  const fresh = seen.filter(({ port }) => !ignored.has(port));
  const [first] = fresh;
  if (step.ask === 'nothing') return learning;
  if (first === undefined) {
    if (step.ask === 'plug') return learning;
    if (learning.emptyMs === undefined) return { ...learning, emptyMs: nowMs };
    if (nowMs - learning.emptyMs < PULLED_AFTER_MS) return learning;
    const again = step.ask === 'pull-all' ? [step.slot, ...rest] : rest;
    return { ...learning, ...next(again, ports), emptyMs: undefined };
  }
  const stay = learning.emptyMs === undefined ? learning : { ...learning, emptyMs: undefined };
  if (step.ask === 'pull-all') return stay;
  const slot = step.slot;
  const { [String(slot)]: learned, ...others } = ports;
  const problem = problemWith(fresh, others);
  // A tablet plugged in beside the right one makes it uncertain which slot was meant: both are to go.
  if (problem !== undefined) return { ...stay, ports: others, step: { ask: 'pull-all', slot, problem } };
  if (step.ask === 'pull' && learned === first.port) return stay;
  return { ...stay, ports: { ...others, [String(slot)]: first.port }, step: { ask: 'pull', slot, port: first.port } };
}

/** What was there before and has left is asked about when it comes again: it may be the very tablet. */
function withoutLeft(learning: Learning, seen: readonly SeenDevice[]): Learning {
  const ignored = seen.map(({ port }) => port).filter((port) => learning.ignored.has(port));
  return ignored.length === learning.ignored.size ? learning : { ...learning, ignored: new Set(ignored) };
}

function problemWith(fresh: readonly SeenDevice[], ports: Learning['ports']): LearnProblem | undefined {
  const hub = fresh.find((device) => device.hub);
  if (hub !== undefined) return { cause: 'hub', port: hub.port };
  if (fresh.length > 1) return { cause: 'two-at-once' };
  const taken = Object.entries(ports).find(([, port]) => port === fresh[0]?.port);
  return taken === undefined ? undefined : { cause: 'seen-before', slot: Number(taken[0]) };
}

/** One sentence for the person at the cart. */
export function learnSentence(step: LearnStep): string {
  switch (step.ask) {
    case 'plug':
      return `Plug a tablet into slot ${step.slot}.`;
    case 'pull':
      return `Slot ${step.slot} is USB port ${step.port}. Pull the tablet out.`;
    case 'pull-all':
      return `${problemSentence(step.problem)} Slot ${step.slot} comes next, once more.`;
    case 'nothing':
      return 'All slots are learned.';
  }
}

function problemSentence(problem: LearnProblem): string {
  switch (problem.cause) {
    case 'two-at-once':
      return 'Two devices came at once. Pull both out and use one tablet.';
    case 'hub':
      return `What came at USB port ${problem.port} is a hub. Pull it out, or, if it belongs to the cart, leave it and start again.`;
    case 'seen-before':
      return `That is slot ${problem.slot}, which is learned already. Pull the tablet out.`;
  }
}

export interface LearnPortsDeps {
  readonly clock: HostClock;
  /** Numbers printed on the cart, in the order in which they are asked for. */
  readonly slots: readonly number[];
  /** Called with each step as it begins; the first at once, or not at all where the bus cannot be read. */
  readonly onStep: (learning: Learning) => void;
  readonly root?: string;
  readonly events?: () => UsbEvents;
}

/**
 * Watches the bus while a person plugs one tablet through the slots. `done` resolves with the proposed `ports` of the host's
 * configuration, which a person confirms, and rejects when the bus cannot be read. `stop` ends it early; `done` then stays open.
 */
export function learnPorts({ clock, slots, onStep, root = USB_DEVICES, events = loadUsbEvents }: LearnPortsDeps): { readonly done: Promise<Learning['ports']>; stop(): Promise<void> } {
  const done = Promise.withResolvers<Learning['ports']>();
  let learning: Learning | undefined;
  let finished = false;

  function look(): boolean {
    if (finished) return false;
    try {
      const before = learning;
      const seen = devicesOn(root);
      learning = before === undefined ? startLearning(slots, seen) : learn(before, seen, clock.monoMs());
      if (learning === before) return false;
      if (learning.step !== before?.step) onStep(learning);
      finished = learning.step.ask === 'nothing';
      if (finished) done.resolve(learning.ports);
      return true;
    } catch (error) {
      finished = true;
      done.reject(new Error(`the USB bus cannot be read: ${String(error)}`));
      return false;
    }
  }

  const watch = lookOnNews({ clock, events, look });
  return { done: done.promise, stop: () => watch.stop() };
}

function devicesOn(root: string): readonly SeenDevice[] {
  return portsInUse(root).flatMap((port) => (enumerationAt(root, port) === undefined ? [] : [{ port, hub: isHub(root, port) }]));
}
