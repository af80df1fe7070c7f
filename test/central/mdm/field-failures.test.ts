import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { provenFacts } from '../../../app/domain/mdm-evidence.ts';
import { plist, udidOf, webhookEvent } from '../../../app/simulator/mdm/nanomdm-shapes.ts';
import { isClean, uncleanBecause } from '../../../app/simulator/world/tablet.ts';
import * as amapi from './amapi-bench.ts';
import { PROFILE, requestOf, value, WEBHOOK_KEY, wipeAndWatch, type NanomdmBench } from './nanomdm-bench.ts';
import { bench as apple, database, nanomdmTables } from './nanomdm-tables.ts';

/** What is known to go wrong in the field, as far as an MDM adapter can tell. The judge is the virtual tablet itself. */

nanomdmTables();
const android = amapi.amapiBench;

const signed = (body: string): Record<string, string> => ({ 'x-hmac-signature': createHmac('sha256', WEBHOOK_KEY).update(body).digest('base64') });

async function observedKinds(on: amapi.AmapiBench, command: string): Promise<string[]> {
  const seen = await amapi.value(on.adapter.observe({ serial: amapi.SERIAL, previous: on.first, command }));
  return provenFacts({ serial: amapi.SERIAL, profile: amapi.PROFILE, previous: on.first }, seen).map((fact) => fact.kind);
}

describe('a delete that deletes nothing', () => {
  it('Android: the answer is good and the old enrolment stays: not revoked', async () => {
    const on = await android();
    const { command } = await amapi.wipeAndWatch(on, 'stale-enrolment-record');
    on.mdm.misbehave({ fault: 'delete-does-nothing', serial: amapi.SERIAL });
    expect((await on.adapter.removeEnrolment(on.first)).ok).toBe(true);
    expect(uncleanBecause(on.tablet, on.mdm)).toEqual(['old-credential-live']);
    expect(await observedKinds(on, command.command)).not.toContain('credentials-revoked');
  });

  it('Apple: there is nothing to delete, and only a new certificate ends the old', async () => {
    const on = await apple('pgsql');
    const { previous, look } = await wipeAndWatch(on);
    expect((await on.adapter.removeEnrolment(previous)).ok).toBe(true);
    expect(uncleanBecause(on.tablet, on.mdm)).toEqual(['old-credential-live']);
    expect((await look()).map((fact) => fact.kind)).not.toContain('credentials-revoked');
  });
});

describe('an unlock token that lingers', () => {
  it('Android: a passcode that was set through the MDM is told', async () => {
    const on = await android();
    const { facts } = await amapi.wipeAndWatch(on, 'unlock-token-kept');
    expect(uncleanBecause(on.tablet, on.mdm)).toContain('posture');
    expect(facts.find((fact) => fact.kind === 'queue-clear')).toMatchObject({ unlockTokenKept: true });
  });

  it('Apple: a TokenUpdate with an unlock token is told, also when later ones carry none', async () => {
    const on = await apple();
    const { look } = await wipeAndWatch(on, ['unlock-token-kept']);
    const later = webhookEvent('mdm.TokenUpdate', on.mdm.nowMs(), { udid: udidOf(on.serial), tally: 2, eventId: 'later', raw: plist({ MessageType: 'TokenUpdate', UDID: udidOf(on.serial) }) });
    expect((await on.receive(Buffer.from(later), signed(later))).ok).toBe(true);
    expect(uncleanBecause(on.tablet, on.mdm)).toContain('posture');
    expect((await look()).find((fact) => fact.kind === 'queue-clear')).toMatchObject({ unlockTokenKept: true });
  });
});

describe('a command that expires overnight', () => {
  it('Android: ten minutes are the vendor’s; ours lasts the night and then is dead', async () => {
    const on = await android();
    on.tablet.asleep = true;
    const command = await amapi.value(on.adapter.wipe(amapi.order(on)));
    on.seconds(3600);
    expect((await amapi.value(on.adapter.observe({ serial: amapi.SERIAL, previous: on.first, command: command.command }))).command.state).toBe('pending');
    on.seconds(8 * 3600);
    expect((await amapi.value(on.adapter.observe({ serial: amapi.SERIAL, previous: on.first, command: command.command }))).command.state).toBe('expired');
    on.tablet.asleep = false;
    on.seconds(60);
    expect(on.tablet.residueOf).toBe('maria');
    expect(await observedKinds(on, command.command)).toEqual([]);
  });

  it('Apple: given up here, it still waits in NanoMDM: the queue is not called empty, and what it does later is seen', async () => {
    const on = await apple();
    const { enrolment } = await value(on.adapter.findEnrolment(on.serial));
    await on.settled();
    on.tablet.asleep = true;
    const command = await value(on.adapter.wipe({ request: requestOf(on), serial: on.serial, enrolment, expiresInMs: 600_000 }));
    const state = async () => (await value(on.adapter.observe({ serial: on.serial, previous: enrolment, command: command.command }))).command.state;
    await on.seconds(300);
    expect(await state()).toBe('pending');
    await on.seconds(400);
    expect(await state()).toBe('expired');
    expect((await value(on.adapter.findEnrolment(on.serial))).pendingCommands).toBeGreaterThan(0);
    on.tablet.asleep = false;
    await on.seconds(10);
    expect(on.tablet.residueOf).toBeNull();
    expect(await state()).toBe('confirmed');
  });
});

describe('an old command replayed to the new enrolment', () => {
  it('Android: it waits in the new queue, and nobody calls that empty', async () => {
    const on = await android();
    const { kinds } = await amapi.wipeAndWatch(on, 'old-command-replayed');
    expect(uncleanBecause(on.tablet, on.mdm)).toEqual(['command-waiting']);
    expect(kinds).not.toContain('queue-clear');
  });

  it('Apple: questions stay unanswered behind it; when it has struck, the wipe proves nothing for what came after', async () => {
    const on = await apple();
    const { kinds, look, previous } = await wipeAndWatch(on, ['old-command-replayed']);
    expect(uncleanBecause(on.tablet, on.mdm)).toContain('command-waiting');
    expect(kinds).toEqual(['wipe-confirmed', 'enrolled']);
    await on.seconds(60);
    await look();
    await on.seconds(2);
    const facts = await look();
    const lives = (await value(on.adapter.observe({ serial: on.serial, previous, command: await commandOf(on) }))).enrolments;
    expect(lives).toHaveLength(3);
    expect(facts.map((fact) => fact.kind)).not.toContain('credentials-revoked');
    expect(facts.find((fact) => fact.kind === 'posture')).toMatchObject({ rooted: true });
  });

  async function commandOf(on: NanomdmBench): Promise<string> {
    const found = await database.query<{ command: string }>(`select command from nanomdm_command where device = $1 and kind = 'erase'`, [udidOf(on.serial)]);
    return found.rows[0]?.command ?? '';
  }
});

describe('a verified profile that survives an erase', () => {
  it('Android: a report from before the enrolment says nothing of it', async () => {
    const on = await android();
    const { kinds, seen } = await amapi.wipeAndWatch(on, 'profile-survives');
    expect(seen.enrolments[0]?.profile).toBe(amapi.PROFILE);
    expect(uncleanBecause(on.tablet, on.mdm)).toEqual(['profile']);
    expect(kinds).not.toContain('profile-present');
  });

  it('Apple: an answer of the former life that arrives in the new one says nothing of it', async () => {
    const on = await apple();
    const { look } = await wipeAndWatch(on, ['profile-survives']);
    const answer = on.delivered.map(({ body }) => body.toString('utf8')).find((body) => Buffer.from(/"raw_payload":"([^"]+)"/.exec(body)?.[1] ?? '', 'base64').includes(`org.example.${PROFILE}`));
    if (answer === undefined) throw new Error('the former life told of no profile');
    const again = answer.replace(/"event_id":"[^"]+"/, '"event_id":"again"');
    expect((await on.receive(Buffer.from(again), signed(again))).ok).toBe(true);
    expect(uncleanBecause(on.tablet, on.mdm)).toEqual(['profile']);
    expect((await look()).map((fact) => fact.kind)).not.toContain('profile-present');
  });
});

describe('a certificate renewal that strands a re-enrolment', () => {
  it('Android: a record that is still being provisioned is no enrolment', async () => {
    const on = await android();
    const { command } = await amapi.wipeAndWatch(on, undefined);
    const record = on.mdm.listed().find(({ tablet }) => tablet === amapi.SERIAL);
    if (record) record.state = 'provisioning';
    expect(await observedKinds(on, command.command)).toEqual(['wipe-confirmed']);
  });

  it('Apple: an Authenticate without a TokenUpdate is no enrolment', async () => {
    const on = await apple();
    on.double.troubles.stranded.add(on.serial);
    const { kinds } = await wipeAndWatch(on);
    expect(kinds).toEqual(['wipe-confirmed']);
    expect(await on.adapter.findEnrolment(on.serial)).toMatchObject({ ok: false, reason: { reason: 'not-found' } });
  });
});

describe('a tablet that unenrols and stays restricted', () => {
  it('Android: the record is gone, the data is not, and nothing is proven', async () => {
    const on = await android();
    const command = await amapi.value(on.adapter.wipe(amapi.order(on)));
    const record = on.mdm.find(on.first);
    if (record) record.state = 'deleted';
    on.tablet.enrolment = null;
    on.seconds(30);
    expect(on.tablet.residueOf).toBe('maria');
    expect(await observedKinds(on, command.command)).toEqual([]);
    expect(await on.adapter.findEnrolment(amapi.SERIAL)).toMatchObject({ ok: false, reason: { reason: 'not-found' } });
  });

  it('Apple: a CheckOut ends the enrolment and proves nothing', async () => {
    const on = await apple();
    const { look } = await wipeAndWatch(on, ['wipe-acknowledged-not-done']);
    const out = webhookEvent('mdm.CheckOut', on.mdm.nowMs(), { udid: udidOf(on.serial), eventId: 'out', raw: plist({ MessageType: 'CheckOut', UDID: udidOf(on.serial) }) });
    expect(await on.receive(Buffer.from(out), signed(out))).toEqual({ ok: true, value: { serials: [on.serial], enrolments: [] } });
    expect(on.tablet.residueOf).toBe('maria');
    expect((await look()).map((fact) => fact.kind)).toEqual(['wipe-confirmed']);
    expect(await on.adapter.findEnrolment(on.serial)).toMatchObject({ ok: false, reason: { reason: 'not-found' } });
  });
});

describe('“wiped” that stays: acknowledged and never done', () => {
  it('Android', async () => {
    const on = await android();
    const { kinds } = await amapi.wipeAndWatch(on, 'wipe-acknowledged-not-done', 120);
    expect(on.tablet.residueOf).toBe('maria');
    expect(kinds).toEqual(['wipe-confirmed']);
  });

  it('Apple: the next request is a command of its own, and that one is carried out', async () => {
    const on = await apple();
    expect((await wipeAndWatch(on, ['wipe-acknowledged-not-done'], 60)).kinds).toEqual(['wipe-confirmed']);
    expect(on.tablet.residueOf).toBe('maria');
    expect((await wipeAndWatch(on, [], 12, 2)).kinds).toHaveLength(6);
    expect(isClean(on.tablet, on.mdm)).toBe(true);
  });
});
