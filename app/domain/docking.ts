import type { EntryDraft } from './entries.ts';
import { restartsFor } from './os-update.ts';
import { unreachable } from './result.ts';
import type { Rules } from './rules.ts';
import type { DeviceRow } from './tables.ts';

export interface DockFacts {
  readonly serial: string;
  readonly slot: number;
  readonly device: DeviceRow | undefined;
  readonly rules: Pick<Rules, 'gapMaxMs' | 'rebootMaxMs'>;
  /** How long the cart could not see this slot just before, 0 when it watched the device arrive; undefined: unknowable. */
  readonly unobservedMs: number | undefined;
  /** The bus shows that it left its slot in that time, however short it was. */
  readonly detached: boolean;
  readonly nowMs: number;
}

export type Docking =
  | { readonly kind: 'returned'; readonly how: 'return' | 'put-back' | 'found'; readonly actor?: string; readonly drafts: readonly EntryDraft[] }
  /** Known to the cart and not in anybody's hands: first docking, or a move that nobody saw. */
  | { readonly kind: 'present'; readonly drafts: readonly EntryDraft[] }
  | { readonly kind: 'foreign'; readonly standing: 'unknown' | 'retired'; readonly drafts: readonly EntryDraft[] };

/** What it means that a device with this serial answers in this slot (R2.1, R2.2; exposure rules of DESIGN). */
export function judgeDocking(facts: DockFacts): Docking {
  const { device, serial, slot, nowMs } = facts;
  if (!device) return foreign(serial, slot, 'unknown');
  const { custody } = device;
  const common = { device: serial, slot };
  const arrive = (how: 'return' | 'put-back' | 'found' | 'unheld', release?: string, actor?: string): EntryDraft => ({
    type: 'returned',
    ...common,
    ...(actor === undefined ? {} : { actor }),
    body: { how, ...(release === undefined ? {} : { release }) },
  });
  if (device.standing === 'retired') {
    // It never goes out again, but whoever held it has brought it back.
    const held = custody.kind === 'person' || custody.kind === 'unidentified' || custody.kind === 'ward';
    return foreign(serial, slot, 'retired', held ? [arrive('return', custody.release, custody.kind === 'person' ? custody.actor : undefined)] : []);
  }
  const exposed = (cause: 'absence' | 'unobserved', gapMs: number | undefined): EntryDraft => ({ type: 'exposed', ...common, body: { cause, ...(gapMs === undefined ? {} : { gapMs }) } });
  switch (custody.kind) {
    case 'person': {
      const how = custody.owed && custody.slot === slot ? 'put-back' : 'return';
      return { kind: 'returned', how, actor: custody.actor, drafts: [arrive(how, custody.release, custody.actor)] };
    }
    case 'unidentified':
      return { kind: 'returned', how: 'put-back', drafts: [arrive('put-back', custody.release)] };
    case 'ward':
      return { kind: 'returned', how: 'found', drafts: [arrive('found', custody.release)] };
    case 'elsewhere':
    case 'unseen':
      return { kind: 'present', drafts: [arrive('unheld')] };
    case 'rebooting': {
      const absenceMs = Math.max(0, nowMs - custody.sinceMs);
      if (custody.slot === slot && absenceMs <= facts.rules.rebootMaxMs) {
        return { kind: 'present', drafts: [{ type: 'reappeared', ...common, body: { request: custody.request, absenceMs } }] };
      }
      return { kind: 'present', drafts: [exposed('absence', absenceMs), arrive('unheld')] };
    }
    case 'cart': {
      const gapMs = facts.unobservedMs;
      if (custody.slot !== slot) return { kind: 'present', drafts: [exposed('unobserved', gapMs), arrive('unheld')] };
      if (gapMs === undefined || gapMs > facts.rules.gapMaxMs) return { kind: 'present', drafts: [exposed('unobserved', gapMs)] };
      if (!facts.detached) return { kind: 'present', drafts: [] };
      // A restart in its wipe detaches it, too: it is taken to have been away for that, and the wipe settles whatever it was.
      const request = restartsFor(device, false);
      if (request === undefined) return { kind: 'present', drafts: [exposed('unobserved', gapMs)] };
      return { kind: 'present', drafts: [{ type: 'absent', ...common, body: { request, sinceMs: nowMs - gapMs } }, { type: 'reappeared', ...common, body: { request, absenceMs: gapMs } }] };
    }
    default:
      return unreachable(custody);
  }
}

function foreign(serial: string, slot: number, standing: 'unknown' | 'retired', first: readonly EntryDraft[] = []): Docking {
  return { kind: 'foreign', standing, drafts: [...first, { type: 'foreign-docked', device: serial, slot, body: { standing } }] };
}
