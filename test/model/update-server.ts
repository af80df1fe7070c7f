import type { RecordedEntry } from '../../app/domain/entries.ts';
import { passingFacts, type MdmEnrolment, type PassingFact } from '../../app/domain/mdm-evidence.ts';
import type { UpdateFailure } from '../../app/domain/terms.ts';
import { enrolmentSeen, type Mdm } from '../../app/simulator/world/mdm.ts';
import type { Facts } from './ward-server.ts';

interface Claimed {
  readonly serial: string;
  readonly request: string;
  readonly nonce: string;
}

export interface UpdateServerDeps {
  readonly mdm: Mdm;
  readonly nowMs: () => number;
  readonly profileOf: (serial: string) => string;
  readonly send: (claims: Claimed, facts: Facts) => void;
  /** The enrolment that the cart has proof of, as far as the server holds its ledger. */
  readonly provenEnrolment: (serial: string) => string | undefined;
  /** Under the sanitization that this life of the tablet stands on, what it is told anew. */
  readonly restate: (serial: string, enrolment: string, facts: readonly PassingFact[]) => void;
}

/** The server's queue of OS updates, restated from `central/os-updates.ts`: one step of each update at every look, no paces and no database. */
export interface UpdateServer {
  heard(entry: RecordedEntry): void;
  looks(): void;
  /** An update of it is not over: what it may change is not stated. */
  holds(serial: string): boolean;
}

interface Row extends Claimed {
  state: 'requested' | 'observing' | 'ending' | 'returning' | 'over';
  readonly arrivedAtMs: number;
  enrolment?: string;
  before?: string;
  after?: string;
  failure?: UpdateFailure;
  endedReportMs: number;
  orderedAtMs: number;
}

const PATIENCE_MS = 600_000;
const VARIANT = '-update';

export function createUpdateServer({ mdm, nowMs, profileOf, send, provenEnrolment, restate }: UpdateServerDeps): UpdateServer {
  const rows: Row[] = [];
  const last = (serial: string): Row | undefined => rows.findLast((row) => row.serial === serial);

  /** As an adapter reads the tablet's present life. */
  const seen = (serial: string): MdmEnrolment | undefined => {
    const record = mdm.listed().findLast((one) => one.serial === serial && one.state === 'active');
    return record && enrolmentSeen(mdm, record, true);
  };
  const fail = (row: Row, failure: UpdateFailure, told = false): void => {
    if (!told) send(row, { kind: 'update-failed', failure });
    row.failure = failure;
    row.state = row.enrolment === undefined ? 'returning' : 'ending';
  };
  const step = (row: Row): void => {
    const { serial } = row;
    const profile = profileOf(serial);
    const found = seen(serial);
    switch (row.state) {
      case 'requested': {
        if (!found || found.enrolment !== provenEnrolment(serial)) return fail(row, 'refused');
        if (found.update === 'none' || found.os === undefined) return fail(row, 'none-waiting');
        mdm.writePolicy(profile + VARIANT, { systemUpdate: { type: 'AUTOMATIC' } });
        if (!mdm.assignPolicy(found.enrolment, profile + VARIANT)) return fail(row, 'refused');
        return void Object.assign(row, { state: 'observing', enrolment: found.enrolment, before: found.os, orderedAtMs: nowMs() });
      }
      case 'observing': {
        if (found && found.enrolment !== row.enrolment) return fail(row, 'interrupted');
        if (found?.os !== undefined && found.os !== row.before) return void Object.assign(row, { state: 'ending', after: found.os });
        if (nowMs() - row.orderedAtMs > PATIENCE_MS) return fail(row, found && found.profile === profile ? 'expired' : 'timed-out');
        return;
      }
      case 'ending':
        if (row.enrolment !== undefined) mdm.assignPolicy(row.enrolment, profile);
        row.endedReportMs = found?.reportedMdmMs ?? 0;
        row.state = 'returning';
        return;
      case 'returning': {
        if (!found) return;
        if (nowMs() - row.arrivedAtMs > 2 * PATIENCE_MS || (row.enrolment !== undefined && found.enrolment !== row.enrolment)) return void (row.state = 'over');
        if (found.profile !== profile || (found.reportedMdmMs ?? 0) <= row.endedReportMs) return;
        if (row.failure === undefined) send(row, { kind: 'updated', before: row.before ?? '', after: row.after ?? '' });
        restate(serial, found.enrolment, passingFacts(found, profile));
        row.state = 'over';
        return;
      }
      case 'over':
    }
  };

  return {
    heard: ({ type, body, device: serial = '' }) => {
      if (type === 'update-requested') rows.push({ serial, request: body.request, nonce: body.nonce, state: 'requested', arrivedAtMs: nowMs(), endedReportMs: 0, orderedAtMs: 0 });
      const row = last(serial);
      if (!row || row.state === 'over') return;
      // A wipe that was asked for since ends it, and whatever it would have been told.
      if (type === 'sanitization-requested') {
        if (row.enrolment !== undefined && (row.state === 'observing' || row.state === 'ending')) mdm.assignPolicy(row.enrolment, profileOf(serial));
        row.state = 'over';
      }
      if (type === 'update-failed' && row.request === body.request && (row.state === 'requested' || row.state === 'observing')) fail(row, body.reason, true);
    },
    looks: () => {
      for (const row of rows.slice(-4)) step(row);
    },
    holds: (serial) => (last(serial)?.state ?? 'over') !== 'over',
  };
}
