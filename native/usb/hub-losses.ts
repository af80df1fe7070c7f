export interface HubChange {
  readonly hub: string;
  readonly state: 'present' | 'gone';
  /** Every mapped slot below it, in order. */
  readonly slots: readonly number[];
}

/** Once the hub above is back, a lower one has this long to come back with it before it is missed for itself. */
const RETURN_MS = 5_000;

/** Port paths of all hubs above a port, uppermost first: `usb1`, `1-1`, `1-1.4` for `1-1.4.2`. */
export function hubsAbove(port: string): readonly string[] {
  const [bus = '', path = ''] = port.split('-');
  const steps = path.split('.');
  return [`usb${bus}`, ...steps.slice(1).map((_, index) => `${bus}-${steps.slice(0, index + 1).join('.')}`)];
}

interface Hub {
  readonly slots: readonly number[];
  readonly above: readonly string[];
  /** Undefined while it is not there; a hub that was never there is no loss. */
  enumeration: string | undefined;
  standing: 'unknown' | 'present' | 'missing' | 'told-gone' | 'gone-with-upper';
  /** When it was first missed, or when the hub that took it along came back without it. */
  missedMs: number | undefined;
}

/**
 * Hubs that carry two mapped slots or more, watched for dying: a loss takes all their slots at one moment. Of a cascade only
 * the upper hub is told, once; as the kernel removes the lower one first, a loss is *missing* until `settle` says that nothing
 * more follows. Pure: it is given what a look has seen.
 */
export function hubLosses(ports: ReadonlyMap<number, string>): {
  /** Whether the slot hangs on a hub whose end would take more than this slot. */
  sharesHub(slot: number): boolean;
  /** True from the moment a hub above the slot is told gone until all of them are back. */
  isCutOff(slot: number): boolean;
  /** When each hub was missed whose loss is not told yet. */
  missedMs(): readonly number[];
  /** `seen` gives a hub's enumeration number, undefined when it is not there. Returns what is to be told, in order. */
  look(seen: (hub: string) => string | undefined, nowMs: number): readonly HubChange[];
  /** What is missing is gone: returns what is to be told. */
  settle(): readonly HubChange[];
} {
  const hubs = hubsOf(ports);
  const above = new Map([...ports].map(([slot, port]) => [slot, hubsAbove(port).flatMap((path) => hubs.get(path) ?? [])]));
  /** Hubs told as back in the look that is under way. */
  const returned = new Set<string>();

  const uppersOf = (hub: Hub): Hub[] => hub.above.flatMap((path) => hubs.get(path) ?? []);
  const isLost = ({ standing }: Hub): boolean => standing === 'told-gone' || standing === 'gone-with-upper';
  const isThere = ({ standing }: Hub): boolean => standing === 'present' || standing === 'missing';

  function lookAt(path: string, hub: Hub, now: string | undefined, nowMs: number): HubChange[] {
    const told = (...states: HubChange['state'][]): HubChange[] => states.map((state) => ({ hub: path, state, slots: hub.slots }));
    const back = (...states: HubChange['state'][]): HubChange[] => {
      hub.standing = 'present';
      // A lower hub is back because its upper one is, which is told already.
      if (hub.above.some((upper) => returned.has(upper))) return [];
      returned.add(path);
      return told(...states);
    };
    const before = hub.enumeration;
    hub.enumeration = now;
    switch (hub.standing) {
      case 'unknown':
        if (now !== undefined) hub.standing = 'present';
        return [];
      case 'present':
        if (now === before) return [];
        if (now !== undefined) return back('gone', 'present');
        hub.missedMs = nowMs;
        hub.standing = uppersOf(hub).some(isLost) ? 'gone-with-upper' : 'missing';
        if (hub.standing === 'gone-with-upper' || uppersOf(hub).some(isThere)) return [];
        hub.standing = 'told-gone';
        return told('gone');
      case 'missing':
        if (now !== undefined) return back('gone', 'present');
        if (uppersOf(hub).some(isLost)) hub.standing = 'gone-with-upper';
        return [];
      case 'told-gone':
        return now === undefined ? [] : back('present');
      case 'gone-with-upper':
        if (now !== undefined) {
          hub.standing = 'present';
          return [];
        }
        hub.missedMs = uppersOf(hub).some(isLost) ? undefined : (hub.missedMs ?? nowMs);
        if (hub.missedMs === undefined || nowMs - hub.missedMs < RETURN_MS) return [];
        hub.standing = 'told-gone';
        return told('gone');
    }
  }

  return {
    sharesHub: (slot) => above.get(slot)?.some(isThere) === true,
    isCutOff: (slot) => above.get(slot)?.some(isLost) === true,
    missedMs: () => [...hubs.values()].flatMap(({ standing, missedMs }) => (standing === 'missing' && missedMs !== undefined ? [missedMs] : [])),
    look(seen, nowMs) {
      returned.clear();
      return [...hubs].flatMap(([path, hub]) => lookAt(path, hub, seen(path), nowMs));
    },
    settle() {
      return [...hubs].flatMap(([path, hub]): HubChange[] => {
        if (hub.standing !== 'missing') return [];
        hub.standing = uppersOf(hub).some(isLost) ? 'gone-with-upper' : 'told-gone';
        return hub.standing === 'told-gone' ? [{ hub: path, state: 'gone', slots: hub.slots }] : [];
      });
    },
  };
}

/** Uppermost first, so that a lower hub finds its upper one judged. */
function hubsOf(ports: ReadonlyMap<number, string>): Map<string, Hub> {
  const slotsBelow = new Map<string, number[]>();
  for (const [slot, port] of [...ports].sort(([a], [b]) => a - b)) {
    for (const path of hubsAbove(port)) slotsBelow.set(path, [...(slotsBelow.get(path) ?? []), slot]);
  }
  const shared = [...slotsBelow].filter(([, slots]) => slots.length > 1).sort(([a], [b]) => depth(a) - depth(b));
  return new Map(shared.map(([path, slots]) => [path, { slots, above: path.startsWith('usb') ? [] : hubsAbove(path), enumeration: undefined, standing: 'unknown', missedMs: undefined }]));
}

function depth(path: string): number {
  return path.startsWith('usb') ? 0 : path.split('.').length;
}
