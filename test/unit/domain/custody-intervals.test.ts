import { expect, test } from 'vitest';
import type { EntryDraft } from '../../../app/domain/entries.ts';
import { createLedgerReader } from '../../../app/domain/ledger-history.ts';

const MINUTE = 60_000;
const ME = 'ab'.repeat(32);
type Step = EntryDraft | { readonly waitMs: number };

/** The intervals of T1 after these entries, each as a line. */
function told(...steps: readonly Step[]): readonly string[] {
  const reader = createLedgerReader('o');
  let monoMs = 0;
  let seq = 0;
  for (const step of steps) {
    if ('waitMs' in step) {
      monoMs += step.waitMs;
      continue;
    }
    monoMs += 10;
    reader.push({ ...step, seq, leaf: String(seq), atMs: monoMs, station: 'cart-7', boot: 'one', monoMs });
    seq += 1;
  }
  return reader.intervals('T1').map(({ kind, slot, opened, closed, holder }) => {
    const since = opened.after ? ` (since ${opened.after.seq})` : '';
    const until = closed ? `${closed.how} ${closed.mark.seq}${closed.after ? ` (since ${closed.after.seq})` : ''}` : 'now';
    return `${kind} ${slot} ${opened.how} ${opened.mark.seq}${since} to ${until}${holder ? ` by ${holder.kind}` : ''}`;
  });
}

const started: Step = { type: 'station-started', body: { program: 'p' } };
const put = (slot = 4, release?: string): Step => ({ type: 'returned', device: 'T1', slot, body: { how: 'return', ...(release === undefined ? {} : { release }) } });
const taken = (release = 'r'): Step => ({ type: 'released', device: 'T1', slot: 4, actor: ME, body: { release, offer: 'o', how: 'offered', offeredSlot: 4 } });
const removed = (release = 'r'): Step => ({ type: 'unidentified-removal', device: 'T1', slot: 4, body: { release, claimUntilMs: 0 } });
const exposed = (slot = 4): Step => ({ type: 'exposed', device: 'T1', slot, body: { cause: 'unobserved' } });
const absent: Step = { type: 'absent', device: 'T1', slot: 4, body: { request: 'q', sinceMs: 0 } };
const lost: Step = { type: 'host-lost', body: { cause: 'c' } };
const restored: Step = { type: 'host-restored', body: { gapMs: 1 } };
const noise: Step = { type: 'bundle-refused', body: { reason: 'expired', digest: 'd' } };
const wait = (waitMs: number): Step => ({ waitMs });
/** The cart has seen and compared its slots. */
const watching: readonly Step[] = [started, { type: 'returned', device: 'T9', slot: 9, body: { how: 'unheld' } }, wait(2 * MINUTE), noise];

test('put in, taken, put in again', () => {
  expect(told(...watching, put(), taken(), put(5, 'r'))).toEqual(['docked 4 put-in 3 to taken 4', 'held 4 taken 4 to returned 5 by person', 'docked 5 returned 5 to now']);
});

test('pulled by nobody, then claimed, or left to the ward', () => {
  expect(told(...watching, put(), removed(), { type: 'removal-claimed', device: 'T1', slot: 4, actor: ME, body: { release: 'r', owed: false } })).toContain('held 4 taken 4 to now by person');
  expect(told(...watching, put(), removed(), { type: 'removal-unclaimed', device: 'T1', slot: 4, body: { release: 'r' } })).toContain('held 4 taken 4 to now by ward');
  expect(told(...watching, put(), removed(), { type: 'removal-claimed', device: 'T1', slot: 4, actor: ME, body: { release: 'another', owed: false } })).toContain('held 4 taken 4 to now by unidentified');
});

test('the cart goes blind: the stay is certain until then, and again once the slots have been compared', () => {
  expect(told(...watching, put(), lost)).toEqual(['docked 4 put-in 3 to out-of-sight 4']);
  expect(told(...watching, put(), lost, restored, noise)).toEqual(['docked 4 put-in 3 to out-of-sight 4']);
  expect(told(...watching, put(), lost, restored, wait(2 * MINUTE), noise)).toEqual(['docked 4 put-in 3 to out-of-sight 4', 'docked 4 seen-again 6 (since 4) to now']);
  expect(told(...watching, put(), lost, restored, exposed())).toEqual(['docked 4 put-in 3 to out-of-sight 4', 'docked 4 seen-again 6 (since 4) to now']);
});

test('it was pulled while the cart was blind: some time since then', () => {
  expect(told(...watching, put(), lost, restored, removed())).toEqual(['docked 4 put-in 3 to out-of-sight 4', 'held 4 taken 6 (since 4) to now by unidentified']);
});

test('it was put in while the cart was blind: some time since then; a minute after the comparison an arrival was seen', () => {
  expect(told(...watching, put(), taken(), lost, restored, put(2, 'r')).slice(1)).toEqual(['held 4 taken 4 to returned 7 (since 5) by person', 'docked 2 returned 7 (since 5) to now']);
  expect(told(...watching, put(), taken(), lost, restored, wait(2 * MINUTE), put(2, 'r')).slice(1)).toEqual(['held 4 taken 4 to returned 7 by person', 'docked 2 returned 7 to now']);
});

test('the program died: nobody watched since its last entry, however many times it started', () => {
  expect(told(...watching, put(), started, started, exposed())).toEqual(['docked 4 put-in 3 to out-of-sight 3', 'docked 4 seen-again 6 (since 3) to now']);
  expect(told(...watching, put(), taken(), started, started, put(4, 'r')).slice(1, 2)).toEqual(['held 4 taken 4 to returned 7 (since 4) by person']);
});

test('the ledger could not be written: what was recorded before is as far as the cart vouches', () => {
  expect(told(...watching, put(), { type: 'recording-resumed', body: { gapMs: 5 } }, removed())).toEqual(['docked 4 put-in 3 to out-of-sight 3', 'held 4 taken 5 (since 3) to now by unidentified']);
});

test('it restarts in its wipe and comes back, or does not', () => {
  expect(told(...watching, put(), absent, { type: 'reappeared', device: 'T1', slot: 4, body: { request: 'q', absenceMs: 1 } })).toEqual(['docked 4 put-in 3 to away-for-wipe 4', 'docked 4 seen-again 5 (since 4) to now']);
  expect(told(...watching, put(), absent, wait(20 * MINUTE), removed())).toEqual(['docked 4 put-in 3 to away-for-wipe 4', 'held 4 taken 5 (since 4) to now by unidentified']);
});

test('it was gone when the cart saw again, and is taken for restarting: it does not stand in the slot again by itself', () => {
  // Random world 14 found this: the stay was told anew once the comparison was over, though the tablet stood in another cart.
  expect(told(...watching, put(), lost, restored, absent, wait(2 * MINUTE), noise)).toEqual(['docked 4 put-in 3 to away-for-wipe 6 (since 4)']);
  expect(told(...watching, put(), lost, restored, absent, wait(20 * MINUTE), removed()).at(-1)).toBe('held 4 taken 7 (since 4) to now by unidentified');
});

test('it answers in another slot than the cart believed: when it left the first one nobody knows', () => {
  expect(told(...watching, put(4), put(5))).toEqual(['docked 4 put-in 3 to out-of-sight 4 (since 3)', 'docked 5 put-in 4 to now']);
});

test('a cart that does not know it met it, once', () => {
  expect(told(...watching, { type: 'foreign-docked', device: 'T1', slot: 7, body: { standing: 'unknown' } })).toEqual(['docked 7 passing 3 to passing 3']);
});

test('stated to be elsewhere: held until then, and its coming home is no return', () => {
  const elsewhere: Step = { type: 'returned-elsewhere', device: 'T1', body: { release: 'r', atStation: 'cart-8', origin: 'x', seq: 9, leaf: 'l', claimedMs: 5, issuedAtMs: 6, digest: 'd' } };
  expect(told(...watching, put(), taken(), elsewhere, put(6)).slice(1)).toEqual(['held 4 taken 4 to elsewhere 5 by person', 'docked 6 put-in 6 to now']);
  expect(told(...watching, put(), taken('other'), elsewhere).slice(1)).toEqual(['held 4 taken 4 to now by person']);
});
