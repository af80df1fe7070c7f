import type { RecordedEntry } from '../../app/domain/entries.ts';
import type { DeviceRow } from '../../app/domain/tables.ts';
import type { Happening, Statement } from './ward-terms.ts';

/** What an entry tells of updates; `before`: its device as it stood until then. */
export function updateHappenings({ type, body }: RecordedEntry, before: DeviceRow | undefined): readonly Happening[] {
  switch (type) {
    case 'update-requested':
      return ['update-begun'];
    case 'updated':
      return before?.custody.kind === 'rebooting' ? ['updated', 'outcome-while-away'] : ['updated'];
    case 'update-failed':
      return [body.reason === 'timed-out' ? 'update-timed-out' : body.reason === 'interrupted' ? 'update-interrupted' : 'update-refused'];
    case 'sanitization-requested':
      return before?.update && (before.exposure?.seq ?? 0) > before.update.seq ? ['wipe-after-update'] : [];
    default:
      return [];
  }
}

/** What is wrong with the moment at which an update's outcome arrives. */
export function outcomeHappenings({ claims, facts, issuedAtMs }: Statement, device: DeviceRow | undefined, nowMs: number): readonly Happening[] {
  const update = device?.update;
  if ((facts.kind !== 'updated' && facts.kind !== 'update-failed') || !update) return [];
  if (update.request !== claims.request) return ['outcome-of-another'];
  return [
    ...(nowMs - issuedAtMs > 60_000 ? (['outcome-late'] as const) : []),
    ...(update.outcome === undefined ? [] : (['outcome-twice'] as const)),
    ...((device.exposure?.seq ?? 0) > update.seq ? (['outcome-after-exposure'] as const) : []),
  ];
}
