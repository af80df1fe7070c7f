import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import ward from '../../resources/demo/ward.json' with { type: 'json' };
import { namespaceCommand } from '../support/pcsc/in-namespace.ts';
import { currentTestbed, slotOf, whyNoTestbed, type PcscTestbed } from '../support/pcsc/testbed.ts';
import { insertCard, type VirtualCard } from '../support/pcsc/virtual-card.ts';
import { entriesOf } from './ledger-copy.ts';
import { everythingCaughtUp, openStage, personCalled } from './stage.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STORY = '5 · with a real reader: a card in its field releases a clean tablet, and again, without a PIN, after it came back';
const INNER_DEADLINE_MS = 360_000;
const HAND_MS = 1_000;

/** Inside the namespaces PostgreSQL needs a user of its own, and an ordinary user is given one only. */
const whyNot = (): string | undefined => whyNoTestbed() ?? (process.getuid?.() === 0 ? undefined : 'needs root, because PostgreSQL needs a second user inside the namespaces');

describe('the story with a real reader', () => {
  const testbed = currentTestbed();
  if (testbed) {
    it(STORY, () => tellStory(testbed));
    return;
  }
  const reason = whyNot();
  if (reason !== undefined) {
    it.skip(`${STORY} (skipped: ${reason})`, () => undefined);
    return;
  }
  it(STORY, () => {
    const vitest = [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '-c', 'test/e2e/vitest.config.ts', relative(ROOT, import.meta.filename), '--no-color'];
    const [program, ...command] = namespaceCommand(1, [process.execPath, ...vitest]);
    // The inner runner must not think that it is a worker of this one.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST') && name !== 'TEST'));
    const inner = spawnSync(program, command, { cwd: ROOT, encoding: 'utf8', env, timeout: INNER_DEADLINE_MS, killSignal: 'SIGKILL' });
    expect(inner.status, `${inner.error?.message ?? ''}\n${inner.stdout}\n${inner.stderr}`).toBe(0);
    expect(inner.stdout).toMatch(/1 passed/);
  }, INNER_DEADLINE_MS + 10_000);
});

async function tellStory(testbed: PcscTestbed): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dockward-reader-'));
  const config = join(folder, 'station.json');
  await writeFile(config, JSON.stringify({ readers: 'pcsc', slots: 'simulated', shelves: ward.cart.shelves, timeZone: 'UTC', language: 'en' }));
  const stage = await openStage(['--config', config]);
  const maria = personCalled('Maria K.');
  let card: VirtualCard | undefined;
  const badge = async (): Promise<void> => {
    await card?.remove();
    // A hand is slower than a badge that shakes in the field (BOUNCE_MS), by more than the 400 ms in which pcscd notices either.
    if (card) await pause(HAND_MS);
    card = await insertCard(slotOf(testbed, 0).port, { uid: maria.badgeUid });
  };
  try {
    await stage.wire.until('the reader and a proven tablet', ({ counts, degraded }) => degraded.length === 0 && counts.ready >= 8, 180_000);
    await stage.shoot('50-reader-ready', 'kiosk');
    const take = await stage.identify(maria, badge);
    await stage.shoot('51-reader-take', 'kiosk');
    await stage.simulator.post('undock', { slot: take.slot, staff: maria.id });
    await stage.showing('taken');
    await stage.fleetPage.getByRole('list', { name: 'Taken' }).getByText(maria.name).first().waitFor();
    await stage.shoot('52-reader-taken');
    const serial = (await stage.simulator.world()).staff.find(({ id }) => id === maria.id)?.holds[0] ?? 'nothing';
    await stage.simulator.post('dock', { serial, slot: 3 });
    await stage.showing('returned');
    await stage.wire.until('it to be proven anew', ({ slots }) => slots.some(({ slot, look }) => slot === 3 && look === 'ready'), 120_000);
    stage.kindsSince();
    await stage.identify(maria, badge);
    expect(stage.kindsSince()).not.toContain('pin');
    await everythingCaughtUp(stage);
    const { entries } = await stage.ledger();
    expect(entriesOf(entries, 'offered').map(({ body }) => body.assurance)).toEqual(['uid', 'uid']);
    expect(entriesOf(entries, 'pin-accepted')).toHaveLength(1);
    expect(JSON.stringify(entries)).not.toContain(maria.badgeUid);
    expect(card?.apdus.length, 'the product itself has read the card').toBeGreaterThan(0);
    expect(stage.complaints).toEqual([]);
  } catch (error) {
    await stage.shoot('failed-reader');
    console.error(stage.dockward.output().slice(-4_000));
    throw error;
  } finally {
    await card?.remove();
    await stage.close();
    await rm(folder, { recursive: true, force: true });
  }
}
