import { createHash } from 'node:crypto';
import type { Audit } from '../../app/ledger/audit.ts';
import { rawPublicKey, type VerifierKey } from '../../app/ledger/note.ts';

/** What a sound bundle proves, in sentences that need no programmer: what was checked, who vouches, what it does not show. */
export function summaryOf(audit: Audit): string {
  const { origin, size, witnessed, keys, trusted, custody, policies } = audit;
  const { offers, releases, otherRemovals, returns, unknown } = custody.counts;
  const away = [...custody.view.all('device')].filter(({ custody: { kind } }) => kind === 'person' || kind === 'unidentified' || kind === 'ward').length;
  const after = size - (witnessed?.size ?? 0);
  return lines([
    `SOUND: the ledger ${origin ?? ''}`,
    '',
    `Entries        ${size}, from ${day(audit.firstMs)} to ${day(audit.lastMs)} by the station's clock.`,
    'Unchanged      Every entry is exactly as it was recorded; none is missing, added or moved.',
    `Signed         By the station (key ${keys ? keys.ranges.map(({ key }) => fingerprint(key)).join(', ') : '?'}).`,
    ...(keys?.ranges ?? []).map(({ revoked }) => revoked && `               The server revoked the last of these keys at ${day(revoked.time * 1_000)}; nothing in this bundle is later than what was witnessed then.`),
    `Witnessed      ${witnessed ? `The server ${keys?.witness.name ?? ''} saw the first ${counted(witnessed.size, 'entry', 'entries')} at ${day(witnessed.timeS * 1_000)} (key ${keys ? fingerprint(keys.witness) : '?'}).` : 'No.'}`,
    after > 0 ? `               The last ${counted(after, 'entry is', 'entries are')} vouched for by the station alone: whoever holds its key could have written that.` : undefined,
    trusted
      ? "               The witness's key is the one in the policy that you gave."
      : "               The keys are those that the bundle itself brings. Compare the witness's key with the one the hospital gave you, or give its policy with --policy FILE.",
    `Custody        ${offers} offers, ${releases} releases, ${otherRemovals} other removals, ${returns} returns. Each release had an open offer, each offer a proven`,
    `               wipe since the last time the tablet was out of sight, and nobody's custody is told twice. Out of the cart at the end: ${away}.`,
    policies === 0 ? '               The bundle holds no policy: only what no policy can waive was asked of each offer.' : `               ${counted(policies, 'policy', 'policies')} that had been in force served to judge the offers made meanwhile.`,
    unknown > 0 ? `               ${counted(unknown, 'entry is', 'entries are')} of a kind that only a newer program knows: unchanged, but not judged.` : undefined,
    '',
    'Not shown      How old a proof or policy was in true time, and what nobody recorded.',
  ]);
}

const counted = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;
const lines = (all: readonly (string | undefined)[]): string => all.flatMap((line) => (line === undefined ? [] : `${line.trimEnd()}\n`)).join('');
const day = (ms: number | undefined): string => (ms === undefined || ms > 8.64e15 ? 'never' : new Date(ms).toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC'));
export const fingerprint = (key: VerifierKey): string => createHash('sha256').update(rawPublicKey(key.publicKey)).digest('hex').slice(0, 16);
