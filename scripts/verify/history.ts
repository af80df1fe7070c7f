import { createReadStream } from 'node:fs';
import type { PastEnd } from '../../app/domain/custody-history.ts';
import type { EndKind, IntervalHolder } from '../../app/domain/custody-intervals.ts';
import type { PastState } from '../../app/domain/past-state.ts';
import type { Bounds } from '../../app/domain/time-bounds.ts';
import { parseEntry } from '../../app/ledger/entry.ts';
import { leafHash } from '../../app/ledger/merkle.ts';
import { readTar } from '../../app/ledger/tar.ts';
import { readEntryBundle } from '../../app/ledger/tiles.ts';
import { timedEntry } from '../../app/ledger/timed-entry.ts';
import { devicePast, stateAt, type DevicePast, type LedgerSource } from '../../app/station/history.ts';

/** What an auditor asks of one ledger's past; nothing is asked where the command only verifies. */
export type Question = { readonly kind: 'device'; readonly serial: string; readonly fromMs: number; readonly toMs: number } | { readonly kind: 'state'; readonly atMs: number };

export interface Answered {
  readonly json: object;
  readonly text: string;
}

/** Reads the flags; a message where they do not make a question. */
export function questionOf(flags: { readonly device?: string | undefined; readonly from?: string | undefined; readonly to?: string | undefined; readonly at?: string | undefined }): Question | string | undefined {
  const { device, from, to, at } = flags;
  if (device === undefined && from === undefined && to === undefined && at === undefined) return undefined;
  if (at !== undefined) {
    const atMs = instant(at);
    if (device !== undefined || from !== undefined || to !== undefined) return 'Ask either for a device between two times or for the cart at one: --device SERIAL --from TIME --to TIME, or --at TIME.';
    return atMs === undefined ? NO_TIME : { kind: 'state', atMs };
  }
  if (device === undefined || from === undefined || to === undefined) return 'Say which device and which span: --device SERIAL --from TIME --to TIME.';
  const [fromMs, toMs] = [instant(from), instant(to)];
  if (fromMs === undefined || toMs === undefined) return NO_TIME;
  return fromMs > toMs ? 'The span ends before it begins.' : { kind: 'device', serial: device, fromMs, toMs };
}

const NO_TIME = 'Give times as 2026-11-22T02:00:00Z, or with an offset as +01:00.';

/** Only what names its time zone is an instant. */
function instant(text: string): number | undefined {
  const ms = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** The entries of a bundle that has been audited; `cosigned` is what the audit found witnessed. */
export function ledgerInBundle(path: string, origin: string, witnessed: { readonly size: number; readonly timeS: number } | undefined): LedgerSource {
  return {
    origin,
    // The cosignature names a whole second: it was made before that second was over.
    ...(witnessed ? { cosigned: { size: witnessed.size, notAfterMs: (witnessed.timeS + 1) * 1_000 } } : {}),
    entries: async function* () {
      for await (const file of readTar(createReadStream(path, { highWaterMark: 1024 * 1024 }))) {
        if (!file.ok || !file.value.name.startsWith('tile/entries/')) continue;
        for (const bytes of readEntryBundle(file.value.content).entries) {
          const parsed = parseEntry(bytes);
          if (parsed.ok) yield timedEntry(parsed.value, leafHash(bytes));
        }
      }
    },
  };
}

/** `names`: short names by what the ledger calls a person, from a policy that the auditor has or the ledger accepted. */
export async function answer(question: Question, source: LedgerSource, names: ReadonlyMap<string, string>): Promise<Answered> {
  return question.kind === 'device'
    ? deviceAnswer(question, source.origin, await devicePast(source, question.serial, question), names)
    : stateAnswer(question.atMs, source.origin, await stateAt(source, question.atMs), names);
}

/** Names in a policy bundle (a compact JWS whose signature was judged by the audit, or by whoever gave it). */
export function namesIn(jws: string | undefined): ReadonlyMap<string, string> {
  try {
    const { staff } = JSON.parse(Buffer.from(jws?.split('.')[1] ?? '', 'base64url').toString()) as { readonly staff?: readonly { readonly actor?: unknown; readonly name?: unknown }[] };
    return new Map((staff ?? []).flatMap(({ actor, name }) => (typeof actor === 'string' && typeof name === 'string' ? [[actor, name] as const] : [])));
  } catch {
    return new Map();
  }
}

function deviceAnswer({ serial, fromMs, toMs }: Extract<Question, { kind: 'device' }>, origin: string, past: readonly DevicePast[], names: ReadonlyMap<string, string>): Answered {
  const text = [
    `THE TABLET ${serial} from ${day(fromMs)} to ${day(toMs)}, as the ledger ${origin} tells it`,
    '',
    ...(past.length === 0 ? ['This ledger says nothing of it in that span.', ''] : past.flatMap((each) => [...paragraph(each, names), ''])),
    ...NOTES,
    'Not shown      What other carts recorded: a tablet taken here may have been put in elsewhere. The server joins the ledgers.',
  ];
  return {
    text: `${text.join('\n')}\n`,
    json: {
      device: serial, origin, from: iso(fromMs), to: iso(toMs),
      intervals: past.map(({ interval: { kind, row, opened, closed, overlap }, touches }) => ({
        kind, overlap, ...(row.slot === undefined ? {} : { slot: row.slot }), ...(kind === 'held' && row.holder ? { holder: holderJson(row.holder, names) } : {}), ...(kind === 'held' ? { release: row.release } : {}),
        opened: endJson(opened), ...(closed ? { closed: endJson(closed) } : {}),
        touches: touches.map(({ entry, bounds }) => ({ type: entry.type, time: timeJson(entry.atMs, bounds), seq: entry.seq, leaf: entry.leaf, ...(entry.actor === undefined ? {} : { actor: entry.actor }) })),
      })),
    },
  };
}

function paragraph({ interval: { kind, row, opened, closed, overlap }, touches }: DevicePast, names: ReadonlyMap<string, string>): readonly string[] {
  const what = { held: `Held           by ${holderWords(row.holder, names)}`, docked: `In its slot    ${row.slot ?? '?'} of ${row.station}`, unwatched: `Not watched    last seen in slot ${row.slot ?? '?'} of ${row.station}` }[kind];
  return [
    `${what}; ${overlap === 'certain' ? 'within the span beyond doubt' : 'it may have been within the span'}.`,
    `  from         ${ENDS[opened.how]}, ${when(opened)}`,
    closed ? `  until        ${ENDS[closed.how]}${closed.how === 'elsewhere' ? ` (${closed.station})` : ''}, ${when(closed)}` : '  until        as far as this ledger goes',
    ...touches.map(({ entry, bounds }) => `  meanwhile    ${entry.type}${entry.actor === undefined ? '' : ` by ${personWords(entry.actor, names)}`}, ${moment(entry.atMs, bounds)} (entry ${entry.seq})`),
  ];
}

const ENDS: Readonly<Record<EndKind, string>> = {
  'put-in': 'put into the slot',
  returned: 'put back into the cart',
  taken: 'taken out of the slot',
  elsewhere: 'put into another cart, as the server stated',
  'out-of-sight': 'the cart stopped seeing its slots',
  'away-for-wipe': 'away while its wipe was under way',
  'seen-again': 'seen in the slot again',
  passing: 'put into this cart, which did not know it',
};

const NOTES = [
  'Times          "Claimed" is what the cart’s own clock said: evidence, not proof. "Not before" and "not after" follow from times that the',
  '               server signed and from the cart’s running clock between them; what is left out is not known.',
];

const when = ({ claimedMs, from, to, seq, leaf }: PastEnd): string => `${moment(claimedMs, { ...(Number.isFinite(from) ? { notBeforeMs: from } : {}), ...(Number.isFinite(to) ? { notAfterMs: to } : {}) })} (entry ${seq}, ${leaf.slice(0, 16)}…)`;
const moment = (claimedMs: number, { notBeforeMs, notAfterMs }: Bounds): string =>
  [`claimed ${day(claimedMs)}`, ...(notBeforeMs === undefined ? [] : [`not before ${day(notBeforeMs)}`]), ...(notAfterMs === undefined ? [] : [`not after ${day(notAfterMs)}`])].join(', ');

function stateAnswer(atMs: number, origin: string, { view, size, last, uncertain }: PastState, names: ReadonlyMap<string, string>): Answered {
  const devices = [...view.all('device')].sort((a, b) => (a.serial < b.serial ? -1 : 1));
  const slots = devices.flatMap(({ serial, custody }) => (custody.kind === 'cart' || custody.kind === 'rebooting' ? [{ slot: custody.slot, device: serial }] : [])).sort((a, b) => a.slot - b.slot);
  const out = devices.flatMap(({ serial, custody }): { device: string; holder: IntervalHolder; release: string }[] => {
    if (custody.kind === 'person') return [{ device: serial, holder: { kind: 'person', actor: custody.actor }, release: custody.release }];
    return custody.kind === 'unidentified' || custody.kind === 'ward' ? [{ device: serial, holder: { kind: custody.kind }, release: custody.release }] : [];
  });
  const offers = [...view.all('offer')];
  const version = view.get('cart', 'cart')?.bundle?.version;
  const text = [
    `THE CART at ${day(atMs)}, replayed from the first ${size} entries of the ledger ${origin}`,
    '',
    last ? `Last entry     ${last.entry.type}, ${moment(last.entry.atMs, last.moment.bounds)} (entry ${last.entry.seq})` : 'Last entry     none: this ledger had not begun',
    ...(uncertain ? [`Not decided    Whether ${uncertain.count} ${uncertain.count === 1 ? 'entry' : 'entries'} (${uncertain.fromSeq} to ${uncertain.toSeq}) had been made by then; what its clock claims by then is shown.`] : []),
    `Policy         ${version === undefined ? 'none' : `version ${version}`}`,
    ...slots.map(({ slot, device }) => `Slot ${String(slot).padEnd(10)}${device}`),
    ...out.map(({ device, holder, release }) => `Out            ${device}, held by ${holderWords(holder, names)} (release ${release})`),
    ...offers.map(({ serial, slot, actor }) => `Offered        ${serial} in slot ${slot} to ${personWords(actor, names)}`),
    '',
    ...NOTES,
  ];
  return {
    text: `${text.join('\n')}\n`,
    json: {
      origin, at: iso(atMs), size,
      ...(last ? { last: { type: last.entry.type, seq: last.entry.seq, leaf: last.entry.leaf, time: timeJson(last.entry.atMs, last.moment.bounds) } } : {}),
      ...(uncertain ? { uncertain } : {}), ...(version === undefined ? {} : { policyVersion: version }),
      slots, out: out.map(({ holder, ...rest }) => ({ ...rest, holder: holderJson(holder, names) })), offers: offers.map(({ offer, serial, slot, actor }) => ({ offer, device: serial, slot, actor })),
      devices: devices.map(({ serial, standing, custody }) => ({ device: serial, standing, custody: custody.kind })),
    },
  };
}

const personWords = (actor: string, names: ReadonlyMap<string, string>): string => names.get(actor) ?? `the person ${actor.slice(0, 16)}…`;
function holderWords(holder: IntervalHolder | undefined, names: ReadonlyMap<string, string>): string {
  if (holder?.kind === 'person') return personWords(holder.actor, names);
  return holder?.kind === 'ward' ? 'the ward: nobody claimed it' : 'nobody known';
}
const holderJson = (holder: IntervalHolder, names: ReadonlyMap<string, string>): object => {
  const name = holder.kind === 'person' ? names.get(holder.actor) : undefined;
  return { ...holder, ...(name === undefined ? {} : { name }) };
};
const endJson = ({ how, origin, station, slot, seq, leaf, claimedMs, from, to, certain }: PastEnd): object => ({
  how, certain, station, ...(slot === undefined ? {} : { slot }), evidence: { origin, seq, leaf },
  time: timeJson(claimedMs, { ...(Number.isFinite(from) ? { notBeforeMs: from } : {}), ...(Number.isFinite(to) ? { notAfterMs: to } : {}) }),
});
const timeJson = (claimedMs: number, { notBeforeMs, notAfterMs }: Bounds): object => ({ claimed: iso(claimedMs), ...(notBeforeMs === undefined ? {} : { notBefore: iso(notBeforeMs) }), ...(notAfterMs === undefined ? {} : { notAfter: iso(notAfterMs) }) });
const iso = (ms: number): string => new Date(Math.min(Math.max(ms, -8.64e15), 8.64e15)).toISOString();
const day = (ms: number): string => iso(ms).replace('T', ' ').replace('Z', ' UTC');
