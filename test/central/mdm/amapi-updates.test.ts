import { expect, it } from 'vitest';
import { passingFacts } from '../../../app/domain/mdm-evidence.ts';
import { enrolmentSeen } from '../../../app/simulator/world/mdm.ts';
import { amapiBench, PROFILE, SERIAL, value, type AmapiBench } from './amapi-bench.ts';

/** A tablet for which an update waits and that has told so, and an adapter that may change policies. */
async function waiting(): Promise<AmapiBench & { readonly updates: NonNullable<AmapiBench['adapter']['updates']> }> {
  const on = await amapiBench();
  on.tablet.updateTo = '2026-11-05';
  on.seconds(3_601);
  const adapter = on.adapterWith({ ordersUpdates: true });
  if (!adapter.updates) throw new Error('the adapter orders no updates');
  return { ...on, adapter, updates: adapter.updates };
}
const orderOf = (on: AmapiBench) => ({ request: 'u-1', serial: SERIAL, enrolment: on.first, profile: PROFILE });
const writes = (on: AmapiBench): string[] => on.requests.filter((line) => line.startsWith('PATCH'));

it('an update waits: stated as waiting where it can be ordered, as held where it cannot, and not at all of a tablet that did not say', async () => {
  const on = await waiting();
  expect(await value(on.adapter.findEnrolment(SERIAL))).toMatchObject({ os: '16 2026-10-01', update: 'waiting' });
  const cannot = on.adapterWith({});
  expect(cannot.updates).toBeUndefined();
  const held = await value(cannot.findEnrolment(SERIAL));
  expect(held).toMatchObject({ update: 'held' });
  expect(passingFacts(held, PROFILE).find(({ kind }) => kind === 'posture')).toMatchObject({ update: 'held' });
  const record = on.mdm.find(on.first);
  if (!record?.report) throw new Error('the tablet has reported');
  expect(held).toEqual(enrolmentSeen(on.mdm, record));
  const { updateWaits: _unsaid, ...silent } = record.report;
  record.report = silent;
  expect(await value(on.adapter.findEnrolment(SERIAL))).not.toHaveProperty('update');
});

it('ordered, the tablet restarts with its new system; the ward’s profile is gone meanwhile and back once the order is taken back', async () => {
  const on = await waiting();
  on.mdm.writePolicy(PROFILE, { cameraDisabled: true, systemUpdate: { type: 'WINDOWED', startMinutes: 60, endMinutes: 120, freezePeriods: [{ startDate: { month: 12, day: 20 }, endDate: { month: 1, day: 5 } }] } });
  await value(on.updates.order(orderOf(on)));
  expect(on.mdm.policy(`${PROFILE}-dockward-update`)).toEqual({ cameraDisabled: true, systemUpdate: { type: 'AUTOMATIC', freezePeriods: [{ startDate: { month: 12, day: 20 }, endDate: { month: 1, day: 5 } }] } });
  on.seconds(10);
  expect(on.tablet).toMatchObject({ patchLevel: '2026-11-05', rebooting: false });
  const updated = await value(on.adapter.findEnrolment(SERIAL));
  expect(updated).toMatchObject({ os: '16 2026-11-05', update: 'none', enrolment: on.first });
  expect(passingFacts(updated, PROFILE).map(({ kind }) => kind)).toEqual(['queue-clear', 'posture']);
  await value(on.updates.end(orderOf(on)));
  on.seconds(3);
  expect(passingFacts(await value(on.adapter.findEnrolment(SERIAL)), PROFILE).map(({ kind }) => kind)).toEqual(['queue-clear', 'profile-present', 'posture']);
  expect(on.used.join()).toContain('update policy: accepted');
});

it('the same order again, after a crash that lost its answer, changes nothing; nor does ending what has ended', async () => {
  const on = await waiting();
  await value(on.updates.order(orderOf(on)));
  const once = writes(on).length;
  await value(on.updates.order(orderOf(on)));
  expect(writes(on)).toHaveLength(once);
  await value(on.updates.end(orderOf(on)));
  const ended = writes(on).length;
  await value(on.updates.end(orderOf(on)));
  expect([once, writes(on).length]).toEqual([2, ended]);
});

it('the record is another tablet’s by its serial, or under a policy that somebody else chose: left alone', async () => {
  const on = await waiting();
  const another = await on.updates.order({ ...orderOf(on), serial: 'OTHER' });
  expect(another).toMatchObject({ ok: false, reason: { reason: 'rejected' } });
  on.mdm.writePolicy('loaned-out', {});
  on.mdm.assignPolicy(on.first, 'loaned-out');
  expect(await on.updates.order(orderOf(on))).toMatchObject({ ok: false, reason: { reason: 'rejected' } });
  await value(on.updates.end(orderOf(on)));
  expect(writes(on)).toEqual([]);
});

it('the record is gone: nothing can be ordered for it, and nothing is left to end', async () => {
  const on = await waiting();
  const gone = { ...orderOf(on), enrolment: `${on.first}x` };
  expect(await on.updates.order(gone)).toMatchObject({ ok: false, reason: { reason: 'not-found' } });
  expect(await on.updates.end(gone)).toEqual({ ok: true, value: undefined });
});

it.each(['update-never-ends', 'update-fails'] as const)('%s: the MDM goes on showing the version from before', async (fault) => {
  const on = await waiting();
  on.mdm.misbehave({ fault, serial: SERIAL });
  await value(on.updates.order(orderOf(on)));
  on.seconds(30);
  expect(await value(on.adapter.findEnrolment(SERIAL))).toMatchObject({ os: '16 2026-10-01', update: 'waiting' });
});
