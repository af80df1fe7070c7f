import type { EntryDraft } from './entries.ts';
import type { Custody, DeviceRow } from './tables.ts';

type Held = Extract<Custody, { kind: 'person' | 'unidentified' | 'ward' }>;

export const isHeld = (custody: Custody): custody is Held => custody.kind === 'person' || custody.kind === 'unidentified' || custody.kind === 'ward';

export type LabelScan =
  /** It is said to be back; nothing but its serial can show it. `draft` is left out where that was said before. */
  | { readonly kind: 'said-back'; readonly device: DeviceRow; readonly actor?: string; readonly draft?: EntryDraft }
  | { readonly kind: 'in-cart'; readonly device: DeviceRow; readonly slot: number }
  /** Known, and neither in anybody's hands nor here. */
  | { readonly kind: 'not-out'; readonly device: DeviceRow }
  | { readonly kind: 'unknown' };

/** What it means that this label was scanned at the cart (R2.2). A label names an asset or, where tablets bear no other, a serial. */
export function judgeLabel(label: string, devices: Iterable<DeviceRow>): LabelScan {
  const wanted = plain(label);
  const all = [...devices];
  const named = all.filter(({ asset }) => asset !== '' && plain(asset) === wanted);
  const device = named.length === 1 ? named[0] : named.length === 0 ? all.find(({ serial }) => plain(serial) === wanted) : undefined;
  if (!device) return { kind: 'unknown' };
  const { custody } = device;
  if (custody.kind === 'cart' || custody.kind === 'rebooting') return { kind: 'in-cart', device, slot: custody.slot };
  if (!isHeld(custody)) return { kind: 'not-out', device };
  const actor = custody.kind === 'person' ? { actor: custody.actor } : {};
  if (custody.saidBackMs !== undefined) return { kind: 'said-back', device, ...actor };
  return { kind: 'said-back', device, ...actor, draft: { type: 'return-stated', device: device.serial, ...actor, body: { release: custody.release, label } } };
}

/** Labels are printed with and without blanks and dashes, in either case. */
const plain = (text: string): string => text.toUpperCase().replaceAll(/[\s-]/g, '');
