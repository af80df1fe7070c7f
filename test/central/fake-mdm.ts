import type { MdmAdapter, MdmRefusal } from '../../app/central/mdm/adapter.ts';
import type { MdmCommand, MdmEnrolment } from '../../app/domain/mdm-evidence.ts';
import { ok, refused } from '../../app/domain/result.ts';
import { SERIAL } from './demo-central.ts';

/** An MDM in memory: what its console would show, set by the test, and what it was asked. */
export interface FakeMdm extends MdmAdapter {
  records: MdmEnrolment[];
  command: MdmCommand | undefined;
  readonly wipes: string[];
  readonly removed: string[];
  refuse: { on: 'findEnrolment' | 'wipe' | 'observe'; refusal: MdmRefusal } | undefined;
  /** Called when the wipe has gone out and before the answer is back. */
  afterWipe: (() => Promise<void>) | undefined;
}

export const record = (enrolment: string, changes: Partial<MdmEnrolment> = {}): MdmEnrolment => ({
  enrolment,
  serial: SERIAL,
  previous: [],
  enrolledMdmMs: 500,
  state: 'active',
  reportedMdmMs: 600,
  profile: 'ward-7-east',
  compliant: true,
  osAtFloor: true,
  rooted: false,
  adbEnabled: false,
  pendingCommands: 0,
  unlockTokenKept: false,
  ...changes,
});

export function fakeMdm(): FakeMdm {
  const mdm: FakeMdm = {
    name: 'fake',
    maximumGrade: 'E2',
    unreachable: ['attestation'],
    records: [record('old')],
    command: undefined,
    wipes: [],
    removed: [],
    refuse: undefined,
    afterWipe: undefined,
    async findEnrolment(serial) {
      if (mdm.refuse?.on === 'findEnrolment') return refused(mdm.refuse.refusal);
      const found = mdm.records.filter((one) => one.serial === serial && one.state === 'active').at(-1);
      return found ? ok(found) : refused({ reason: 'not-found', detail: 'no such serial' });
    },
    async wipe(order) {
      if (mdm.refuse?.on === 'wipe') return refused(mdm.refuse.refusal);
      // As the contract asks: a command of the same request is looked for first.
      if (!mdm.wipes.includes(order.request)) {
        mdm.wipes.push(order.request);
        mdm.command = { command: `wipe-${mdm.wipes.length}`, enrolment: order.enrolment, issuedMdmMs: 1_000, state: 'pending' };
      }
      await mdm.afterWipe?.();
      if (!mdm.command) throw new Error('no command');
      return ok(mdm.command);
    },
    async observe() {
      if (mdm.refuse?.on === 'observe') return refused(mdm.refuse.refusal);
      return mdm.command ? ok({ command: mdm.command, enrolments: mdm.records }) : refused({ reason: 'not-found', detail: 'no such command' });
    },
    async removeEnrolment(enrolment) {
      mdm.removed.push(enrolment);
      return ok(undefined);
    },
  };
  return mdm;
}
