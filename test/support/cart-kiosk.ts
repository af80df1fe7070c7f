import { kioskPush, type KioskCommand, type KioskPush, type Snapshot } from '../../app/contract/kiosk.ts';
import type { Transport } from '../../app/contract/transport.ts';
import { inMemoryPair } from '../../app/transport/in-memory.ts';

type Reply = Exclude<KioskPush, { snapshot: unknown }>;

/** A kiosk page without the page: every push is held against the contract. */
export interface CartKiosk {
  now(): Snapshot;
  /** Every message that was before people, oldest first. */
  readonly said: Snapshot['message'][];
  readonly replies: Reply[];
  ask(command: KioskCommand): Promise<Reply>;
  askRaw(message: unknown): void;
  /** The first snapshot, from now on, of which this is true. */
  until(fact: (snapshot: Snapshot) => boolean): Promise<Snapshot>;
}

export function cartKiosk(attach: (transport: Transport) => void): CartKiosk {
  const [station, own] = inMemoryPair();
  const said: Snapshot['message'][] = [];
  const replies: Reply[] = [];
  let latest: Snapshot | undefined;
  let watchers: { readonly fact: (snapshot: Snapshot) => boolean; readonly met: (snapshot: Snapshot) => void }[] = [];
  const waiting = new Map<number, (reply: Reply) => void>();
  let ids = 0;
  own.onMessage((raw) => {
    const push = kioskPush.parse(raw);
    if ('snapshot' in push) {
      const { snapshot } = push;
      latest = snapshot;
      said.push(snapshot.message);
      const met = watchers.filter(({ fact }) => fact(snapshot));
      watchers = watchers.filter((watcher) => !met.includes(watcher));
      for (const watcher of met) watcher.met(snapshot);
      return;
    }
    replies.push(push);
    waiting.get(push.id)?.(push);
    waiting.delete(push.id);
  });
  attach(station);
  return {
    said,
    replies,
    now: () => {
      if (!latest) throw new Error('the station has sent no snapshot');
      return latest;
    },
    ask: (request) => {
      const id = (ids += 1);
      own.send({ id, request });
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    askRaw: (message) => own.send(message),
    until: (fact) => (latest && fact(latest) ? Promise.resolve(latest) : new Promise((met) => watchers.push({ fact, met }))),
  };
}
