import { z } from 'zod';
import { usbSerial } from '../contract/device-host.ts';
import type { FleetEvent } from '../contract/fleet.ts';
import type { EntryType } from '../domain/entries.ts';
import type { Database } from './database.ts';
import { iso, staffNames } from './fleet-view.ts';

/** What each kind of entry says to a person reading the history. */
const WORDS: Readonly<Record<EntryType, string>> = {
  'station-started': 'Station started',
  'epoch-began': 'A new ledger was begun in place of the one before',
  'ledger-key-rotated': 'The station signs with a new key',
  'clock-stepped': 'The station’s clock was changed',
  'host-lost': 'The cart’s readers and slots went away',
  'host-restored': 'The cart’s readers and slots are back',
  'hub-lost': 'A hub went away, with every tablet in it at once',
  'hub-restored': 'The hub is back',
  'recording-resumed': 'The cart can record again; what it missed follows',
  'bundle-accepted': 'New staff list and rules accepted',
  'bundle-refused': 'Staff list and rules refused',
  'staff-revoked': 'Badge stopped by a staff list that could not be used otherwise',
  'device-admitted': 'Tablet admitted',
  'device-standing': 'Standing of the tablet changed',
  'tap-refused': 'Tap refused',
  'pin-attempted': 'PIN typed',
  'pin-accepted': 'PIN accepted',
  'pin-refused': 'PIN refused',
  offered: 'Tablet offered',
  'offer-lapsed': 'Offer ended without the tablet being taken',
  released: 'Tablet taken',
  'wrong-pull': 'Wrong tablet pulled; it must go back',
  'unidentified-removal': 'Tablet removed by nobody known',
  'removal-claimed': 'Removal claimed by a person',
  'removal-unclaimed': 'Removal not claimed; the ward answers for the tablet',
  returned: 'Tablet put in',
  'returned-elsewhere': 'Tablet was put into another cart',
  'foreign-docked': 'A tablet of another place was put in',
  'dock-unreadable': 'A tablet was put in that does not answer',
  absent: 'Tablet away while it is wiped or updated',
  reappeared: 'Tablet back while it is wiped or updated',
  exposed: 'Tablet was out of sight; it must be wiped again',
  'sanitization-requested': 'Wipe asked for',
  'statement-accepted': 'Evidence accepted',
  'statement-refused': 'Statement refused',
  'sanitization-failed': 'Wipe given up',
  sanitized: 'Sanitized, proof complete',
  'update-requested': 'System update asked for',
  updated: 'System updated',
  'update-failed': 'System update given up',
  'return-stated': 'Label scanned: said to be back',
  'port-cycled': 'Port switched off and on',
  'night-began': 'Night began',
  'need-threatened': 'Morning’s need threatened',
  'night-ended': 'Night ended',
  quarantined: 'Tablet put into quarantine',
};

const MOST = 500;
const instant = z.iso.datetime({ offset: true });

/** GET /api/history; `from` and `to` are by the carts' clocks, ISO 8601. */
export const historyQuery = z.strictObject({
  device: usbSerial.optional(),
  station: z.string().max(64).optional(),
  type: z.string().max(40).optional(),
  from: instant.optional(),
  to: instant.optional(),
  limit: z.coerce.number().int().min(1).max(MOST).default(100),
});
type HistoryQuery = z.infer<typeof historyQuery>;

/** The newest entries, newest first: of one device, one station, one type or one span of time, where these are given. `limit` is cut to 500. */
export async function readHistory(database: Database, { device, station, type, from, to, limit }: HistoryQuery): Promise<{ events: FleetEvent[] }> {
  const names = await staffNames(database);
  const found = await database.query<{ station: string; seq: number; type: string; device: string | null; actor: string | null; slot: number | null; at_ms: number }>(
    `select o.station, e.seq, e.type, e.device, e.actor, e.slot, e.at_ms from entry e join origin o using (origin)
     where ($1::text is null or e.device = $1) and ($3::text is null or o.station = $3) and ($4::text is null or e.type = $4)
       and ($5::bigint is null or e.at_ms >= $5) and ($6::bigint is null or e.at_ms <= $6) order by e.at_ms desc, e.seq desc limit $2`,
    [device ?? null, Math.min(limit, MOST), station ?? null, type ?? null, from === undefined ? null : Date.parse(from), to === undefined ? null : Date.parse(to)],
  );
  return {
    events: found.rows.map(({ station, seq, type, device, actor, slot, at_ms }) => ({
      at: iso(at_ms),
      station,
      seq,
      type,
      ...(device === null ? {} : { device }),
      ...(actor === null ? {} : { person: names.get(actor) ?? 'Somebody no longer in the directory' }),
      ...(slot === null ? {} : { slot }),
      text: wordsOf(type),
    })),
  };
}

/** What an entry of this type says to a person. */
export const wordsOf = (type: string): string => (isEntryType(type) ? WORDS[type] : `Recorded by a newer station: ${type}`);

const isEntryType = (type: string): type is EntryType => Object.hasOwn(WORDS, type);
