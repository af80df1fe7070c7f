import { morningPdfQuery, morningSheetAnswer, morningSheetQuery, morningView } from '../../app/contract/morning.ts';
import type { MorningExceptionView, MorningNight, MorningNotice, MorningSheetView } from '../../app/contract/morning.ts';
import type { Reply } from './stub-past.ts';

/** The mornings of a test's server. */
export interface Mornings {
  /** By station; the first is the latest. */
  mornings: Readonly<Record<string, { readonly cart: string; readonly ward: string; readonly notices?: readonly MorningNotice[]; readonly sheets: readonly MorningSheetView[]; readonly unread?: MorningNight }>>;
  /** Addresses of PDFs that were asked for. */
  readonly papers: string[];
}

/** 07:00 in Berlin on the day after the night. */
export const SHIFT = '2026-11-22T06:00:00.000Z';
const hours = (count: number, from = SHIFT): string => new Date(Date.parse(from) + count * 3_600_000).toISOString();
const leaf = (seq: number): string => seq.toString(16).padStart(64, 'a');

export const EXCEPTIONS: readonly MorningExceptionView[] = [
  { slot: 13, serial: 'R52T0831495', asset: 'T-105', ward: 'Ward 7 East', order: 'Put it back', why: 'It left without a badge.', minutes: 1 },
  { slot: 6, serial: 'R52T0886928', asset: 'T-112', ward: 'Ward 7 East', order: 'Move it to another slot', why: 'Its wipe did not work. Suspect the slot, not the tablet.', minutes: 2 },
  { slot: 9, order: 'Swap the cable of the slot', why: 'The cart feels it but cannot read it.', minutes: 3 },
  { serial: 'R52T0902766', asset: 'T-114', ward: 'Ward 7 East', order: 'Find who has it', why: 'Somebody has it.', minutes: 20 },
  { slot: 5, serial: 'R52T0863171', asset: 'T-109', ward: 'Ward 7 West', order: 'Send it to biomed', why: 'Its battery runs hot. Suspect the tablet, not the slot.', minutes: 60 },
];
export const noticeOf = (seq: number, ward: string, shortBy: number, due = SHIFT): MorningNotice => ({ ward, shortBy, why: 'too few tablets are in the cart', due, at: hours(-5, due), evidence: { origin: 'mercy/station/st-7e-a/e1', seq, leaf: leaf(seq) } });

export function sheetOf(seq: number, shift = SHIFT, change: Partial<MorningSheetView> = {}): MorningSheetView {
  const need = (wardId: string, ward: string, needed: number, ready: number): MorningSheetView['needs'][number] => ({ wardId, ward, needed, ready, shortBy: Math.max(0, needed - ready), due: shift });
  return {
    epoch: 1,
    evidence: { origin: 'mercy/station/st-7e-a/e1', seq, leaf: leaf(seq) },
    from: hours(-10, shift),
    shift,
    endedAt: hours(0.0005, shift),
    needs: [need('7e', 'Ward 7 East', 8, 9), need('7w', 'Ward 7 West', 6, 4)],
    exceptions: [...EXCEPTIONS],
    more: 0,
    done: { sanitized: 11, failed: 1, quarantined: 1, starts: 2 },
    warned: [noticeOf(seq - 300, 'Ward 7 West', 2, shift)],
    ...change,
  };
}

/** Cart A with five nights, Cart B with nothing to mend, Cart C without a night yet. */
export const threeCarts = (): Mornings['mornings'] => ({
  'st-7e-a': { cart: 'Cart A', ward: 'Ward 7 East', sheets: [0, 1, 2, 3, 4].map((ago) => sheetOf(1480 - 320 * ago, hours(-24 * ago), ago === 0 ? {} : { exceptions: EXCEPTIONS.slice(0, ago - 1), needs: [{ wardId: '7e', ward: 'Ward 7 East', needed: 8, ready: 8 + (ago % 2), shortBy: 0, due: hours(-24 * ago) }] })) },
  'st-7e-b': { cart: 'Cart B', ward: 'Ward 7 East', sheets: [sheetOf(610, SHIFT, { needs: [{ wardId: '7e', ward: 'Ward 7 East', needed: 5, ready: 6, shortBy: 0, due: SHIFT }], exceptions: [], done: { sanitized: 6, failed: 0, quarantined: 0, starts: 0 }, warned: [] })] },
  'st-7w-c': { cart: 'Cart C', ward: 'Ward 7 West', sheets: [] },
});

const nightOf = ({ epoch, evidence, shift, needs, exceptions, more }: MorningSheetView): MorningNight => {
  const sum = (of: (need: MorningSheetView['needs'][number]) => number): number => needs.reduce((total, need) => total + of(need), 0);
  return { epoch, seq: evidence.seq, at: shift, needed: sum(({ needed }) => needed), ready: sum(({ ready, needed }) => Math.min(ready, needed)), shortBy: sum(({ shortBy }) => shortBy), exceptions: exceptions.length + more };
};

const NONE: Reply = { status: 404, body: { reason: 'not-found', message: 'No ledger of this server holds a morning sheet with this number.' } };

export function answerMorning(stub: Mornings, url: URL): Reply | undefined {
  const [, , place, station, file] = url.pathname.split('/').map(decodeURIComponent);
  if (place !== 'morning') return undefined;
  const at = new Date().toISOString();
  if (station === undefined) {
    const carts = Object.entries(stub.mornings).map(([id, { cart, ward, notices = [], sheets: [sheet], unread }]) => ({
      station: id,
      cart,
      ward,
      notices,
      ...(sheet === undefined ? {} : { sheet: { ...sheet, exceptions: sheet.exceptions.slice(0, 3), more: sheet.more + Math.max(0, sheet.exceptions.length - 3) } }),
      ...(unread === undefined ? {} : { unread }),
    }));
    return { status: 200, body: morningView.parse({ at, carts }) };
  }
  const cart = stub.mornings[station];
  const sheet = cart?.sheets.find(({ evidence }) => String(evidence.seq) === file?.replace('.pdf', ''));
  if (cart === undefined || sheet === undefined || file === undefined) return NONE;
  if (file.endsWith('.pdf')) {
    const { zone } = morningPdfQuery.parse(Object.fromEntries(url.searchParams));
    stub.papers.push(`${url.pathname} ${zone}`);
    return { status: 200, body: '%PDF-1.7\n', headers: { 'content-type': 'application/pdf', 'content-disposition': 'attachment; filename="morning-sheet-Cart-A-2026-11-22.pdf"' } };
  }
  morningSheetQuery.parse(Object.fromEntries(url.searchParams));
  return { status: 200, body: morningSheetAnswer.parse({ at, station, cart: cart.cart, ward: cart.ward, sheet, nights: cart.sheets.map(nightOf) }) };
}
