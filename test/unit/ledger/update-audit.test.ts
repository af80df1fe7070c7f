import { expect, test } from 'vitest';
import type { EntryDraft, RecordedEntry } from '../../../app/domain/entries.ts';
import { createCustodyJudge } from '../../../app/ledger/custody.ts';

const device = 'R5CT10';
const slot = 4;
const asked = (request: string): EntryDraft => ({ type: 'sanitization-requested', device, slot, body: { request, nonce: 'n', exposure: 'leaf-1', attempt: 1 } });
const update: EntryDraft = { type: 'update-requested', device, slot, body: { request: 'u1', nonce: 'n' } };
const failed: EntryDraft = { type: 'update-failed', device, slot, body: { request: 'u1', reason: 'interrupted' } };
const updated: EntryDraft = { type: 'updated', device, body: { request: 'u1', before: 'a', after: 'b', issuedAtMs: 1, digest: 'd' } };
/** Admitted, docked, wiped, and certified as policy without leaves asks. */
const PROVEN: readonly EntryDraft[] = [
  { type: 'station-started', body: { program: 't' } },
  { type: 'device-admitted', device, body: { asset: 'A', ward: '7e', model: 'm', profile: 'p', bundleVersion: 1 } },
  { type: 'returned', device, slot, body: { how: 'unheld' } },
  asked('r1'),
  { type: 'statement-accepted', device, body: { kind: 'wipe-confirmed', request: 'r1', digest: 'd', issuedAtMs: 1, facts: { enrolment: 'old', command: 'c', issuedMdmMs: 1, confirmedMdmMs: 2 } } },
  { type: 'sanitized', device, slot, body: { request: 'r1', nonce: 'n', asked: 'leaf-3', exposure: 'leaf-1', attempt: 1, grade: 'E1', proven: ['no-exposure', 'wipe-confirmed'], command: 'c', previous: 'old', confirmedMdmMs: 2 } },
];
const findings = (drafts: readonly EntryDraft[]): string[] => {
  const judge = createCustodyJudge(() => undefined);
  return drafts.flatMap((draft, seq) => judge.push({ ...draft, seq, leaf: `leaf-${seq}`, atMs: 1_000 + seq, station: 'cart-7' } as RecordedEntry) ?? []);
};

test.each<[string, readonly EntryDraft[], readonly string[]]>([
  ['asked for, done, and asked for again another night', [update, updated, { ...update, body: { request: 'u2', nonce: 'n' } } as EntryDraft], []],
  ['asked for and given up, then wiped', [update, failed, asked('r2')], []],
  ['a wipe while an update is open', [update, asked('r2')], [`a wipe of ${device} was asked for while an update of it was open`]],
  ['a second update while one is open', [update, { ...update, body: { request: 'u2', nonce: 'n' } } as EntryDraft], [`an update of ${device} was asked for while another was open`]],
  ['an update while a wipe is open', [asked('r2'), update], [`an update of ${device} was asked for while its wipe was not proven`]],
  ['an end of an update that nobody asked for', [updated], ['it ends the update u1, which was not open']],
  ['a second end', [update, failed, updated], ['it ends the update u1, which was not open']],
])('an audit of: %s', (_, drafts, wrong) => expect(findings([...PROVEN, ...drafts])).toEqual(wrong));
