import type { GateLeafName } from '../../app/domain/terms.ts';
import type { Tablet } from '../../app/simulator/world/tablet.ts';
import type { WardWorld } from './ward-terms.ts';

/**
 * For every leaf of the gate the misfortune it exists for: a history in which this leaf alone stands between an unfit
 * tablet in slot 1 and the next person.
 */
export const NAMED_HISTORIES: readonly { readonly leaf: GateLeafName; readonly misfortune: string; readonly run: (world: WardWorld) => void }[] = [
  {
    leaf: 'standing',
    misfortune: 'a proven tablet is reported lost while it sits in the cart',
    run: (world) => {
      world.settle();
      world.setStanding(first(world).serial, 'lost');
    },
  },
  {
    leaf: 'serial-in-slot',
    misfortune: 'a proven tablet is carried off and used while the device host is down',
    run: (world) => {
      world.settle();
      world.hostDown();
      world.pull(1);
      world.advance(60_000);
      world.useInHand(first(world).serial);
    },
  },
  {
    leaf: 'no-exposure',
    misfortune: 'a used tablet comes back and the next badge is quicker than the request for a wipe',
    run: (world) => {
      world.settle();
      world.pull(1);
      world.advance(60_000);
      world.useInHand(first(world).serial);
      world.dock(first(world).serial, 1);
    },
  },
  {
    leaf: 'wipe-confirmed',
    misfortune: 'the wipe is lost on its way and somebody enrols the tablet again by hand',
    run: (world) => {
      usedAndBack(world);
      world.mdm.misbehave({ fault: 'command-lost', serial: first(world).serial });
      world.pursue();
      world.serverLooks();
      world.serverLooks();
      world.advance(1_000);
      const old = first(world).enrolment;
      world.mdm.admit(first(world));
      if (old) world.mdm.state.records = world.mdm.state.records.map((record) => (record.name === old ? { ...record, state: 'deleted' } : record));
      first(world).credentials.delete(old ?? '');
      world.advance(3_700_000);
      sendAll(world);
    },
  },
  {
    leaf: 'enrolment-new',
    misfortune: 'the tablet is taken out and used during its wipe, and back in its slot before the proof arrives',
    run: (world) => {
      usedAndBack(world);
      world.pursue();
      world.serverLooks();
      while (!first(world).rebooting) world.advance(100);
      world.pull(1);
      while (first(world).enrolment === null) world.advance(100);
      world.advance(20_000);
      world.useInHand(first(world).serial);
      world.dock(first(world).serial, 1);
      sendAll(world);
    },
  },
  {
    leaf: 'credentials-revoked',
    misfortune: 'the old enrolment stays listed and deleting it deletes nothing',
    run: (world) => {
      usedAndBack(world);
      world.mdm.misbehave({ fault: 'stale-enrolment-record', serial: first(world).serial });
      world.mdm.misbehave({ fault: 'delete-does-nothing', serial: first(world).serial, times: 1_000 });
      world.settle(10_000);
    },
  },
  {
    leaf: 'queue-clear',
    misfortune: 'the old command is replayed to the new enrolment',
    run: (world) => {
      usedAndBack(world);
      world.mdm.misbehave({ fault: 'old-command-replayed', serial: first(world).serial });
      world.settle(6_000);
    },
  },
  {
    leaf: 'profile-present',
    misfortune: 'the ward’s applications never arrive on the new enrolment',
    run: (world) => {
      usedAndBack(world);
      world.pursue();
      world.serverLooks();
      const before = first(world).enrolment;
      while (first(world).enrolment === null || first(world).enrolment === before) {
        world.serverLooks();
        world.advance(20);
      }
      first(world).profile = null;
      world.settle(4_000);
    },
  },
  {
    leaf: 'posture',
    misfortune: 'debugging is left on after the wipe',
    run: (world) => {
      usedAndBack(world);
      world.mdm.misbehave({ fault: 'adb-left-on', serial: first(world).serial });
      world.settle(10_000);
    },
  },
  {
    leaf: 'attestation',
    misfortune: 'the ward asks for attestation that this platform cannot give',
    run: (world) => {
      world.settle();
      world.setRules({ mandatoryLeaves: ['standing', 'serial-in-slot', 'no-exposure', 'attestation'] });
    },
  },
  {
    leaf: 'battery',
    misfortune: 'a proven tablet is nearly empty',
    run: (world) => {
      world.settle();
      first(world).charge = 12;
    },
  },
  {
    leaf: 'bundle',
    misfortune: 'the cart has heard nothing for eight days',
    run: (world) => {
      world.setRules({ evidenceMaxAgeMs: 30 * 86_400_000 });
      world.settle();
      world.advance(8 * 86_400_000);
    },
  },
];

function first(world: WardWorld): Tablet {
  const [tablet] = world.tablets;
  if (!tablet) throw new Error('the world has no tablet');
  return tablet;
}

/** Proven, taken, used, brought back: the state every return begins with. */
function usedAndBack(world: WardWorld): void {
  world.settle();
  world.pull(1);
  world.advance(60_000);
  world.useInHand(first(world).serial);
  world.dock(first(world).serial, 1);
}

function sendAll(world: WardWorld): void {
  for (let round = 0; round < 40; round += 1) {
    world.serverLooks();
    world.deliverAll();
    world.advance(250);
  }
}
