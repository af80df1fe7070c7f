import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { hostMessage, type SlotState } from '../../app/contract/device-host.ts';
import { inMemoryPair } from '../../app/transport/in-memory.ts';
import type { CommandOutcome, HubAdapter, HubEvent, ReaderAdapter, ReaderEvent, RunningReaders, SlotAdapter, SlotCommand, SlotEvent, TabletAdapter, TabletEvent } from '../../native/adapters.ts';
import { createDeviceHost } from '../../native/host.ts';
import { heldClock } from './held-clock.ts';

type Message = Record<string, unknown>;
const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A reader adapter that says what the test says. */
function scriptedReader(name: string, atStart: readonly ReaderEvent[] = []): ReaderAdapter & { say(event: ReaderEvent): void; stopped: boolean } {
  let sink: (event: ReaderEvent) => void = () => {};
  const adapter = {
    name,
    stopped: false,
    say: (event: ReaderEvent) => sink(event),
    start(given: (event: ReaderEvent) => void) {
      sink = given;
      for (const event of atStart) sink(event);
      return {
        async stop() {
          adapter.stopped = true;
        },
      };
    },
  };
  return adapter;
}

function scriptedSlots(cart: readonly SlotState[] | undefined, command: (asked: SlotCommand) => Promise<CommandOutcome> = async () => ({ ok: true })): SlotAdapter & { say(event: SlotEvent): void; cart: readonly SlotState[] | undefined } {
  let sink: (event: SlotEvent) => void = () => {};
  const adapter = {
    name: 'cart',
    cart,
    say: (event: SlotEvent) => sink(event),
    start(given: (event: SlotEvent) => void) {
      sink = given;
      return { command, snapshot: () => adapter.cart, stop: async () => {} };
    },
  };
  return adapter;
}

function hostWith({ readers = [], slots, hub, tablets }: { readers?: ReaderAdapter[]; slots?: SlotAdapter; hub?: HubAdapter; tablets?: TabletAdapter[] }) {
  const clock = heldClock();
  const [near, far] = inMemoryPair();
  const sent: Message[] = [];
  const logged: string[] = [];
  const closed: string[] = [];
  far.onMessage((message) => sent.push(hostMessage.parse(message) as Message));
  far.onClose((cause) => closed.push(cause));
  const host = createDeviceHost({ transport: near, readers, slots, hub, tablets: tablets ?? [], clock, version: '0.0.1', log: (line) => logged.push(line) });
  stops.push(() => host.stop());
  const events = () => sent.filter((message) => 'event' in message && message['event'] !== 'heartbeat');
  return {
    clock,
    host,
    station: far,
    sent,
    logged,
    closed,
    events,
    replies: () => sent.filter((message) => 'ok' in message),
    async ask(...messages: unknown[]) {
      for (const message of messages) far.send(message);
      await turn();
      await turn();
    },
  };
}

describe('the stream of events', () => {
  it('begins with hello and the whole cart, even when a badge was on the reader before both', async () => {
    const reader = scriptedReader('early', [{ event: 'adapter', state: 'working' }, { event: 'tap', reader: 'r', assurance: 'uid', uid: '04010203' }]);
    const { events } = hostWith({ readers: [reader], slots: scriptedSlots([{ slot: 1, present: true, serial: 'A' }]) });
    await turn();
    expect(events()).toMatchObject([
      { event: 'hello', version: '0.0.1', pid: process.pid, adapters: [{ name: 'early', state: 'working' }, { name: 'cart', state: 'absent', detail: 'starting' }] },
      { event: 'slots', slots: [{ slot: 1, present: true, serial: 'A' }] },
      { event: 'tap', reader: 'r', uid: '04010203' },
    ]);
  });

  it('never tells an empty cart that nobody has looked at', async () => {
    const cart = scriptedSlots(undefined);
    const { events, ask, replies } = hostWith({ slots: cart });
    cart.say({ event: 'slot', slot: 1, present: false });
    await ask({ id: 1, request: { command: 'slots' } });
    expect(events()).toMatchObject([{ event: 'hello' }]);
    expect(replies()).toEqual([{ id: 1, ok: false, reason: 'adapter-failing' }]);
    cart.say({ event: 'slots', slots: [{ slot: 1, present: true }] });
    cart.say({ event: 'slot', slot: 1, present: false });
    await turn();
    expect(events().slice(1)).toMatchObject([{ event: 'slots', slots: [{ slot: 1, present: true }] }, { event: 'slot', slot: 1, present: false }]);
  });

  it('gives every tap a number of its own and the host time', async () => {
    const reader = scriptedReader('r');
    const { events, clock } = hostWith({ readers: [reader] });
    clock.advance(40);
    reader.say({ event: 'tap', reader: 'r', assurance: 'uid', uid: '04010203' });
    reader.say({ event: 'tap', reader: 'r', assurance: 'uid', uid: '04010203' });
    await turn();
    const taps = events().filter(({ event }) => event === 'tap');
    expect(taps.map(({ monoMs }) => monoMs)).toEqual([40, 40]);
    expect(new Set(taps.map(({ tap }) => tap)).size).toBe(2);
  });

  it('beats every second until it is stopped', async () => {
    const { sent, clock, host } = hostWith({});
    clock.advance(3_000);
    await turn();
    expect(sent.filter(({ event }) => event === 'heartbeat').map(({ monoMs }) => monoMs)).toEqual([1_000, 2_000, 3_000]);
    await host.stop();
    clock.advance(3_000);
    await turn();
    expect(sent.filter(({ event }) => event === 'heartbeat')).toHaveLength(3);
  });
});

describe('a hub and tablets', () => {
  const scriptedHub = (command: (asked: SlotCommand) => Promise<CommandOutcome>): HubAdapter & { say(event: HubEvent): void } => {
    let sink: (event: HubEvent) => void = () => {};
    return { name: 'hub', say: (event) => sink(event), start: (given) => ((sink = given), { command, stop: async () => {} }) };
  };

  it('a hub that cannot do it, or does not know the slot, leaves it to what sees the slots; one that fails does not', async () => {
    const hub = scriptedHub(async ({ command, slot }) => (slot === 2 ? { ok: false, reason: 'no-slot' } : command === 'light' ? { ok: false, reason: 'no-light' } : slot === 3 ? { ok: false, reason: 'adapter-failing' } : { ok: true }));
    const asked: SlotCommand[] = [];
    const slots = scriptedSlots([{ slot: 1, present: false }], async (command) => (asked.push(command), { ok: true }));
    const { ask, replies } = hostWith({ slots, hub });
    await ask({ id: 1, request: { command: 'port-power', slot: 1, on: false } }, { id: 2, request: { command: 'port-power', slot: 2, on: false } }, { id: 3, request: { command: 'port-power', slot: 3, on: false } }, { id: 4, request: { command: 'light', slot: 1, light: 'take' } });
    await turn();
    expect(replies().sort((a, b) => Number(a['id']) - Number(b['id']))).toEqual([{ id: 1, ok: true }, { id: 2, ok: true }, { id: 3, ok: false, reason: 'adapter-failing' }, { id: 4, ok: true }]);
    expect(asked.map(({ command, slot }) => [command, slot])).toEqual([['port-power', 2], ['light', 1]]);
  });

  it('what they measure and tell goes on, stamped; what breaks the contract makes them failing and goes nowhere', async () => {
    const hub = scriptedHub(async () => ({ ok: true }));
    let say: (event: TabletEvent) => void = () => {};
    const { events } = hostWith({ hub, tablets: [{ name: 'adb', start: (sink) => ((say = sink), { stop: async () => {} }) }] });
    await turn();
    hub.say({ event: 'port', slot: 1, readMonoMs: 0, reading: { milliamps: 1_900 } });
    say({ event: 'tablet', serial: 'R52T', source: 'adb', standing: 'read', readMonoMs: 0, facts: { osVersion: '15' } });
    say({ event: 'tablet', serial: 'R52T', source: 'adb', standing: 'read', readMonoMs: 0, facts: { batteryPercent: 101 } });
    await turn();
    expect(events().slice(-3)).toMatchObject([{ event: 'port', slot: 1, reading: { milliamps: 1_900 } }, { event: 'tablet', serial: 'R52T', facts: { osVersion: '15' } }, { event: 'adapter', name: 'adb', state: 'failing' }]);
  });
});

describe('cards that prove themselves', () => {
  const cardReader = (more: Partial<RunningReaders>): ReaderAdapter & { say(event: ReaderEvent): void } => {
    let sink: (event: ReaderEvent) => void = () => {};
    return { name: 'cards', say: (event) => sink(event), start: (given) => ((sink = given), { stop: async () => {}, ...more }) };
  };
  const tap = { event: 'tap', reader: 'front', assurance: 'crypto', uid: 'AB'.repeat(16) } as const;

  it('every adapter is told whom to believe; the PIN goes to the reader of that tap alone, and never into the log', async () => {
    const [trusted, asked]: [unknown[], unknown[]] = [[], []];
    const cards = cardReader({ trust: (trust) => trusted.push(trust), cardPin: async (...all) => (asked.push(all), { ok: false, reason: 'card-pin-wrong' }) });
    const { ask, replies, events, logged } = hostWith({ readers: [cards, scriptedReader('numbers')] });
    await turn();
    cards.say(tap);
    await turn();
    const trust = { authorities: [], revoked: [], nowMs: 5 };
    const told = events().find(({ event }) => event === 'tap')?.['tap'];
    await ask({ id: 1, request: { command: 'badge-trust', trust } }, { id: 2, request: { command: 'card-pin', tap: told, pin: '123456' } }, { id: 3, request: { command: 'card-pin', tap: 'another', pin: '123456' } }, { id: 4, request: { command: 'card-pin', tap: told, pin: '12345' } });
    await turn();
    expect([trusted, asked]).toEqual([[trust], [['front', tap.uid, '123456']]]);
    expect(replies().sort((a, b) => Number(a['id']) - Number(b['id']))).toEqual([{ id: 1, ok: true }, { id: 2, ok: false, reason: 'card-pin-wrong' }, { id: 3, ok: false, reason: 'card-gone' }]);
    expect(logged.join()).toContain('malformed');
    expect(logged.join()).not.toContain('12345');
  });

  it('a reader that cannot ask for a PIN says so, and a card that never answers holds up nobody for longer than four seconds', async () => {
    const numbers = scriptedReader('numbers');
    const mute = cardReader({ cardPin: () => new Promise(() => {}) });
    const { ask, replies, events, clock } = hostWith({ readers: [numbers, mute] });
    await turn();
    numbers.say({ ...tap, reader: 'back' });
    mute.say(tap);
    await turn();
    const [back, front] = events().filter(({ event }) => event === 'tap').map((each) => each['tap']);
    await ask({ id: 1, request: { command: 'card-pin', tap: back, pin: '123456' } }, { id: 2, request: { command: 'card-pin', tap: front, pin: '123456' } });
    await turn();
    expect(replies()).toEqual([{ id: 1, ok: false, reason: 'card-has-no-pin' }]);
    clock.advance(4_000);
    await turn();
    expect(replies().at(-1)).toEqual({ id: 2, ok: false, reason: 'adapter-failing' });
  });
});

describe('commands', () => {
  it('are answered once each, with the adapter\'s refusal or its consent', async () => {
    const slots = scriptedSlots([{ slot: 1, present: false }], async ({ command }) => (command === 'light' ? { ok: true } : { ok: false, reason: 'no-power-control' }));
    const { ask, replies, events } = hostWith({ slots });
    await ask({ id: 1, request: { command: 'light', slot: 1, light: 'take' } }, { id: 2, request: { command: 'port-power', slot: 1, on: false } }, { id: 3, request: { command: 'slots' } });
    expect(replies().sort((a, b) => Number(a['id']) - Number(b['id']))).toEqual([{ id: 1, ok: true }, { id: 2, ok: false, reason: 'no-power-control' }, { id: 3, ok: true }]);
    expect(events().filter(({ event }) => event === 'slots')).toHaveLength(2);
  });

  it('on a cart without slots are refused as no-slot', async () => {
    const { ask, replies, events } = hostWith({});
    await ask({ id: 9, request: { command: 'light', slot: 1, light: 'off' } });
    expect(replies()).toEqual([{ id: 9, ok: false, reason: 'no-slot' }]);
    expect(events()).toMatchObject([{ event: 'hello', adapters: [] }, { event: 'slots', slots: [] }]);
  });

  it('that the hardware never answers are refused after two seconds, once, and hold up no other', async () => {
    const late = Promise.withResolvers<CommandOutcome>();
    const slots = scriptedSlots([], ({ slot }) => (slot === 1 ? late.promise : Promise.resolve({ ok: true })));
    const reader = scriptedReader('r');
    const { ask, replies, clock, events } = hostWith({ slots, readers: [reader] });
    await ask({ id: 1, request: { command: 'light', slot: 1, light: 'take' } }, { id: 2, request: { command: 'light', slot: 2, light: 'take' } });
    reader.say({ event: 'card-removed', reader: 'r' });
    await turn();
    expect(replies()).toEqual([{ id: 2, ok: true }]);
    expect(events().at(-1)).toMatchObject({ event: 'card-removed' });
    clock.advance(2_000);
    await turn();
    late.resolve({ ok: true });
    await turn();
    expect(replies()).toEqual([{ id: 2, ok: true }, { id: 1, ok: false, reason: 'adapter-failing' }]);
  });

  it('at which the adapter throws are refused as adapter-failing', async () => {
    const { ask, replies, logged } = hostWith({
      slots: scriptedSlots([], () => {
        throw new Error('hub on fire');
      }),
    });
    await ask({ id: 4, request: { command: 'light', slot: 1, light: 'take' } });
    expect(replies()).toEqual([{ id: 4, ok: false, reason: 'adapter-failing' }]);
    expect(logged.join()).toContain('hub on fire');
  });

  it('that are malformed are ignored and logged, and the next is answered', async () => {
    const { ask, replies, logged } = hostWith({ slots: scriptedSlots([]) });
    const malformed = [null, 'light', {}, { id: 0, request: { command: 'slots' } }, { id: 1, request: { command: 'explode' } }, { id: 2, request: { command: 'light', slot: 100, light: 'take' } }, { id: 3, request: { command: 'slots', extra: 1 } }];
    await ask(...malformed);
    expect(replies()).toEqual([]);
    expect(logged).toHaveLength(malformed.length);
    await ask({ id: 5, request: { command: 'slots' } });
    expect(replies()).toEqual([{ id: 5, ok: true }]);
  });

  it('that come twice under one number are answered once', async () => {
    const open = Promise.withResolvers<CommandOutcome>();
    const { ask, replies, logged } = hostWith({ slots: scriptedSlots([], () => open.promise) });
    const request = { id: 6, request: { command: 'light', slot: 1, light: 'take' } };
    await ask(request, request);
    open.resolve({ ok: true });
    await turn();
    expect(replies()).toEqual([{ id: 6, ok: true }]);
    expect(logged).toHaveLength(1);
  });
});

describe('a broken adapter', () => {
  it('that cannot start is named, and the others work', async () => {
    const broken: ReaderAdapter = {
      name: 'broken',
      start() {
        throw new Error('driver missing');
      },
    };
    const reader = scriptedReader('r');
    const { events } = hostWith({ readers: [broken, reader] });
    reader.say({ event: 'reader', reader: 'r', state: 'present' });
    await turn();
    expect(events()[0]).toMatchObject({ adapters: [{ name: 'broken', state: 'failing', detail: expect.stringContaining('driver missing') as string }, { name: 'r' }] });
    expect(events().at(-1)).toMatchObject({ event: 'reader', state: 'present' });
  });

  it('that says something against the contract is named, and what it said is not passed on', async () => {
    const reader = scriptedReader('r');
    const { events, logged } = hostWith({ readers: [reader] });
    reader.say({ event: 'tap', reader: 'r', assurance: 'uid', uid: 'not hex' });
    await turn();
    expect(events().slice(2)).toMatchObject([{ event: 'adapter', name: 'r', state: 'failing' }]);
    expect(logged.join()).not.toContain('not hex');
  });

  it('with much to say is cut to what the contract carries', async () => {
    const reader = scriptedReader('r');
    const { events } = hostWith({ readers: [reader] });
    reader.say({ event: 'adapter', state: 'failing', detail: 'x'.repeat(1_000) });
    await turn();
    expect(events().at(-1)?.['detail']).toBe('x'.repeat(300));
  });
});

it('a station that goes away stops every adapter', async () => {
  const reader = scriptedReader('r');
  const { station } = hostWith({ readers: [reader] });
  station.close();
  await turn();
  expect(reader.stopped).toBe(true);
});
