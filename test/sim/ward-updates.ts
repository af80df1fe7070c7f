import type { StatementFacts } from '../../app/contract/statement.ts';
import type { Rules } from '../../app/contract/policy-bundle.ts';
import type { DeviceRow } from '../../app/domain/tables.ts';
import type { Mdm } from '../../app/simulator/world/mdm.ts';
import { enrolmentSeen } from '../../app/simulator/world/mdm.ts';
import { passingFacts } from '../../app/domain/mdm-evidence.ts';
import { NIGHT } from '../support/night-rules.ts';

/** A night that lasts all day, whose updates are given up after ten seconds. */
export const UPDATE_NIGHT: NonNullable<Rules['overnight']> = {
  ...NIGHT,
  from: '00:00',
  shift: '23:59',
  needs: [],
  limits: { ...NIGHT.limits, wipes: 8, updates: 2 },
  estimate: { ...NIGHT.estimate, wipeMs: 60_000 },
  wipeBoundsMs: { least: 60_000, most: 45 * 60_000 },
  update: { megabytes: 5, installMs: 4_000 },
};

const VARIANT = '-update';
/** What was told of a tablet and is not in its cart's ledger yet is told again after this. */
const AGAIN_MS = 4_000;

export interface UpdateCounts {
  updates: number;
  updated: number;
  handsInUpdates: number;
}

interface Ordered {
  readonly before: string;
  endedReportMs: number;
  saidAtMs: number;
}

/** The server's queue of OS updates (`central/os-updates.ts`), restated: it reads of each tablet what its cart's ledger says and what the MDM shows. */
export function createUpdateQueue(mdm: Mdm, nowMs: () => number, counts: UpdateCounts): (row: DeviceRow, wanted: string, say: (about: { readonly request: string; readonly nonce: string }, facts: StatementFacts) => Promise<void>) => Promise<void> {
  const orders = new Map<string, Ordered>();
  return async ({ serial, update, custody, request, exposure, evidence }, wanted, say) => {
    const record = mdm.listed().findLast((one) => one.serial === serial && one.state === 'active');
    if (!update || !record?.report) return;
    const order = orders.get(update.request);
    const takeBack = (): void => {
      mdm.assignPolicy(record.name, wanted);
      if (order) order.endedReportMs = record.report?.atMs ?? 0;
    };
    const isOut = record.policy !== wanted;
    const isOpen = update.outcome === undefined && (custody.kind === 'cart' || custody.kind === 'rebooting') && evidence.enrolment?.enrolment === record.name;
    const isBack = !isOut && record.report.profile === wanted && record.report.atMs > (order?.endedReportMs ?? 0);
    if (isOpen && !order) {
      orders.set(update.request, { before: record.report.patchLevel, endedReportMs: Number.POSITIVE_INFINITY, saidAtMs: 0 });
      if (record.report.updateWaits !== true) return say(update, { kind: 'update-failed', failure: 'none-waiting' });
      counts.updates += 1;
      mdm.writePolicy(wanted + VARIANT, { systemUpdate: { type: 'AUTOMATIC' } });
      mdm.assignPolicy(record.name, wanted + VARIANT);
      return;
    }
    if (isOut) return isOpen && record.report.patchLevel === order?.before ? undefined : takeBack();
    if (!isBack || nowMs() - (order?.saidAtMs ?? 0) < AGAIN_MS) return;
    if (order) order.saidAtMs = nowMs();
    if (isOpen && order) {
      counts.updated += 1;
      await say(update, { kind: 'updated', before: order.before, after: record.report.patchLevel });
    }
    const isProof = request !== undefined && request.exposure === exposure?.leaf && evidence.enrolment?.enrolment === record.name;
    if (isProof && (!evidence.profile || !evidence.posture)) for (const fact of passingFacts(enrolmentSeen(mdm, record), wanted)) await say(request, fact);
  };
}
