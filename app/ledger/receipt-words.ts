import { canonicalText } from './canonical.ts';
import type { LedgerEntry } from './entry.ts';
import type { Witnessed } from './receipt.ts';

/**
 * What a receipt says in words, line by line: nothing but what entry, origin and cosignatures show. Frozen: a receipt of
 * version 1 is checked against these very sentences for as long as anybody keeps one.
 */
export function receiptWords(entry: LedgerEntry, origin: string, witnessed: readonly Witnessed[]): readonly string[] {
  const { station, seq, hlc, actor } = entry;
  return [
    `What     ${whatOf(entry)}`,
    `Who      ${actor === undefined ? 'The entry names no person.' : `The person whom the hospital's directory knows as ${plain(actor)}.`}`,
    `When     ${time(hlc.ms)} by the cart's own clock.`,
    `Where    Cart ${plain(station)}, entry ${seq} of the ledger ${plain(origin)}.`,
    ...(witnessed.length === 0
      ? ["Witness  None yet. PROVISIONAL: the cart alone vouches for this, and whoever holds its key could have written it."]
      : witnessed.map(({ key, timeS }) => `Witness  ${plain(key.name)} had this entry by ${time(timeS * 1_000)}; it cannot have been changed since.`)),
  ];
}

function whatOf({ type, device, place, body }: LedgerEntry): string {
  const serial = device === undefined ? 'without a name' : plain(device);
  const slot = place === undefined ? 'a slot' : `slot ${place.slot}`;
  const release = typeof body['release'] === 'string' ? ` Release ${plain(body['release'])}.` : '';
  switch (type) {
    case 'offered':
      return `Tablet ${serial} was offered in ${slot}.${release}`;
    case 'released':
      return `Tablet ${serial} was taken from ${slot}.${release}`;
    case 'wrong-pull':
      return `Tablet ${serial} was pulled from ${slot} in place of the one offered.${release}`;
    case 'unidentified-removal':
      return `Tablet ${serial} was removed from ${slot} without an offer.${release}`;
    case 'removal-claimed':
      return `The removal of tablet ${serial} was claimed.${release}`;
    case 'returned':
      return `Tablet ${serial} was put into ${slot}.${release}`;
    case 'sanitization-requested':
      return `A wipe of tablet ${serial} was asked for.`;
    case 'update-requested':
      return `An update of the system of tablet ${serial} was asked for.`;
    default:
      return `An entry of the kind ${plain(type)}${device === undefined ? '' : ` about tablet ${plain(device)}`} was recorded.${release}`;
  }
}

/** As it stands where it cannot be mistaken for a word of ours; everything else in quotes, as JSON in ASCII: nothing may turn the line around. */
export const plain = (text: string): string => (/^[\x21-\x7e]+$/.test(text) ? text : canonicalText(text).replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`));

/** UTC; beyond what a calendar holds, the number. */
const time = (ms: number): string => (ms <= 8.64e15 ? new Date(ms).toISOString() : `${ms} ms after 1970`);
