import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntryDraft } from '../../app/domain/entries.ts';
import type { Store } from '../../app/storage/store.ts';
import { SERIAL, startTestCentral } from '../../test/central/demo-central.ts';
import { admissionOf } from '../../test/central/demo-station.ts';
import { startTestPostgres } from '../../test/support/postgres.ts';
import { enrolFolder, openAlone, startContact, type Contact } from '../../test/sync/contact.ts';
import type { Row } from './ledger.ts';

const BACKLOG = 100_000;
const MEASURED = process.env['DOCKWARD_LONG'] === '1' ? BACKLOG : 20_000;
const GOAL_S = 60;
/** As the station does: a signed checkpoint at least every 64 entries. */
const COVERED_EVERY = 50;
const LOOK_MS = 20;

/**
 * A station's backlog over mutual TLS on loopback to a server on PostgreSQL, until the last cosignature is kept. 20,000 entries
 * are measured and the time is scaled to 100,000; with DOCKWARD_LONG=1 all of them. The floor is the goal itself: one minute.
 */
export async function benchBacklog(): Promise<Row[]> {
  const data = await mkdtemp(join(tmpdir(), 'bench-backlog-'));
  const postgres = await startTestPostgres();
  const central = await startTestCentral(await postgres.createDatabase());
  let contact: Contact | undefined;
  try {
    await enrolFolder(central, data);
    const store = await openAlone(data);
    await fill(store);
    await store.close();
    const start = performance.now();
    contact = await startContact(central, data);
    while (contact.store.acked().size < MEASURED) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const value = ((performance.now() - start) / 1_000) * (BACKLOG / MEASURED);
    const scaled = MEASURED === BACKLOG ? '' : `, scaled from ${MEASURED}`;
    return [{ name: `backlog of ${BACKLOG} entries drains${scaled}`, value, unit: 's', floor: GOAL_S, ratio: value / GOAL_S, goal: 'at most 1 ×', met: value <= GOAL_S }];
  } finally {
    await contact?.stop();
    await central.close();
    await postgres.stop();
    await rm(data, { recursive: true });
  }
}

async function fill(store: Store): Promise<void> {
  await store.append(admissionOf(SERIAL, 1));
  while (store.size() < MEASURED) {
    const count = Math.min(COVERED_EVERY, MEASURED - store.size());
    const drafts = Array.from({ length: count }, (_, n): EntryDraft => ({ type: 'exposed', device: SERIAL, slot: 1, body: { cause: 'unobserved', gapMs: 20_000 }, covered: n === count - 1 }));
    const kept = await store.append(drafts);
    if (!kept.ok) throw new Error(`the bench disk fails: ${kept.reason}`);
  }
}
