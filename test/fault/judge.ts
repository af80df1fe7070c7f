import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectEntry } from '../../app/domain/projection.ts';
import { leafHash } from '../../app/ledger/merkle.ts';
import { startVerification } from '../../app/ledger/verify.ts';
import { openStore } from '../../app/storage/open.ts';
import { createOverlay, createProjections } from '../../app/storage/projections.ts';
import type { Store } from '../../app/storage/store.ts';
import type { Image } from '../support/write-log/disk.ts';
import type { Operation } from '../support/write-log/record.ts';
import { heard, known, optionsFor, rowsOf, VERIFIER } from '../storage/ward.ts';
import { LEDGER } from './recording.ts';

/** What the station had said before the crash. Sizes count entries. */
export interface Promised {
  readonly leaves: readonly string[];
  readonly acknowledged: number;
  readonly covered: number;
  readonly cosigned: number;
  /** Sizes at which a call ended, in the whole recording: a ledger of any other size ends inside a call. */
  readonly ends: ReadonlySet<number>;
}

/** `lost`: an acknowledged entry is not there or is another; `corrupt`: the ledger does not open, contradicts itself or cannot go on. */
export type Verdict = { readonly kind: 'sound'; readonly size: number } | { readonly kind: 'lost' | 'corrupt'; readonly why: string };

/** Reads promises from marks; `at(n)` is what had been promised by the first n operations. */
export function promisesIn(operations: readonly Operation[]): { at(count: number): Promised } {
  const leaves: string[] = [];
  const ends = new Set([0]);
  const steps: { readonly after: number; readonly acknowledged: number; readonly covered: number; readonly cosigned: number }[] = [];
  let [submitted, acknowledged, covered, cosigned] = [0, 0, 0, 0];
  for (const [index, operation] of operations.entries()) {
    if (operation.kind !== 'mark') continue;
    const [word, first = '', ...rest] = operation.text.split(' ');
    const number = Number(first);
    if (word === 'call') {
      for (const [offset, leaf] of rest.entries()) leaves[number + offset] = leaf;
      acknowledged = Math.max(acknowledged, number + rest.length);
    }
    // Calls are recorded in the order in which they are made, acknowledged or not.
    if (word === 'open') ends.add((submitted = number));
    if (word === 'calling') ends.add((submitted += number));
    if (word === 'covered') covered = Math.max(covered, number);
    if (word === 'cosigned') cosigned = Math.max(cosigned, number);
    steps.push({ after: index + 1, acknowledged, covered, cosigned });
  }
  return {
    at(count) {
      const step = steps.findLast(({ after }) => after <= count);
      return { leaves, ends, acknowledged: step?.acknowledged ?? 0, covered: step?.covered ?? 0, cosigned: step?.cosigned ?? 0 };
    },
  };
}

/** Starts the real store on what a crash left in `folder`, which must be empty, and holds it to what was promised. */
export async function judge(image: Image, folder: string, promised: Promised): Promise<Verdict> {
  for (const [name, bytes] of image) await writeFile(join(folder, name), bytes);
  return judgeFolder(folder, promised);
}

export async function judgeFolder(folder: string, promised: Promised): Promise<Verdict> {
  let opened: Awaited<ReturnType<typeof openStore>>;
  try {
    opened = await openStore(optionsFor(join(folder, LEDGER), { project: projectEntry }));
  } catch (error) {
    return { kind: 'corrupt', why: `opening throws ${String(error)}` };
  }
  if (!opened.ok) return { kind: 'corrupt', why: `it is ${opened.reason}` };
  const store = opened.value;
  try {
    return await examine(store, promised);
  } catch (error) {
    return { kind: 'corrupt', why: String(error) };
  } finally {
    await store.close();
  }
}

async function examine(store: Store, promised: Promised): Promise<Verdict> {
  const size = store.size();
  const checkpoint = store.latestCheckpoint();
  const stored = await store.entries(0, size + 1);
  const lost = (why: string): Verdict => ({ kind: 'lost', why });
  const corrupt = (why: string): Verdict => ({ kind: 'corrupt', why });

  if (size < promised.acknowledged) return lost(`${promised.acknowledged} entries were acknowledged, ${size} are there`);
  for (const { seq, bytes } of stored.slice(0, promised.acknowledged)) {
    if (leafHash(bytes).toString('hex') !== promised.leaves[seq]) return lost(`entry ${seq} is not the one that was acknowledged`);
  }
  if ((checkpoint?.size ?? 0) < promised.covered) return lost(`a checkpoint over ${promised.covered} entries was promised, the latest is over ${checkpoint?.size}`);
  if (store.acked().size < promised.cosigned) return lost(`the server had cosigned ${promised.cosigned}, the ledger knows of ${store.acked().size}`);
  if (!promised.ends.has(size)) return corrupt(`it ends inside a call, at ${size}`);
  if (stored.length !== size) return corrupt(`${stored.length} entries are stored, the head counts ${size}`);

  const verification = startVerification();
  for (const { bytes } of stored) {
    const finding = verification.push(bytes);
    if (finding !== undefined) return corrupt(JSON.stringify(finding));
    if (verification.size !== checkpoint?.size) continue;
    const end = verification.finish(checkpoint.note, VERIFIER);
    if ('finding' in end) return corrupt(`the latest checkpoint: ${JSON.stringify(end.finding)}`);
  }
  const contradiction = await contradictionIn(store);
  if (contradiction !== undefined) return corrupt(contradiction);

  // It can go on: one more entry, and a checkpoint over all of it.
  const next = known(await store.append([heard('after the power came back')]));
  const finding = next[0]?.seq === size ? verification.push((await store.entries(size, 1))[0]?.bytes ?? Buffer.alloc(0)) : 'the sequence has a hole';
  if (finding !== undefined) return corrupt(JSON.stringify(finding));
  const end = verification.finish(known(await store.checkpoint()).note, VERIFIER);
  return 'finding' in end ? corrupt(JSON.stringify(end.finding)) : { kind: 'sound', size };
}

/** Rows and metadata must be those of these entries and of no others. */
async function contradictionIn(store: Store): Promise<string | undefined> {
  const projections = createProjections();
  const lanes = new Map<string, string>();
  for (const entry of await store.recorded(0, store.size())) {
    const overlay = createOverlay(projections);
    for (const change of projectEntry(overlay, entry)) overlay.write(change);
    projections.apply(overlay.changes());
    const [, lane, id] = (entry.type === 'host-lost' && /^(lane \d+) (\S+) /.exec(entry.body.cause)) || [];
    if (lane !== undefined && id !== undefined) lanes.set(lane, id);
  }
  for (const [lane, id] of lanes) if (store.getMeta(lane) !== id) return `${lane} recorded "${id}", its metadata says "${store.getMeta(lane)}"`;
  return JSON.stringify(rowsOf(store.view)) === JSON.stringify(rowsOf(projections)) ? undefined : 'the projections are not what the entries make of them';
}
