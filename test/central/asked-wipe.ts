import type { MdmEnrolment } from '../../app/domain/mdm-evidence.ts';
import { SERIAL } from './demo-central.ts';
import { record } from './fake-mdm.ts';
import { central, ledger, mdm, NONCE, station, write } from './mdm-queue.ts';

/** A wipe of T-101 in slot 1 of the test’s cart, and what became of it. */

export const ALL = ['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture'];

export const ask = (request = 'r-1', nonce = NONCE): Promise<void> =>
  write({ type: 'sanitization-requested', device: SERIAL, slot: 1, body: { request, nonce, exposure: ledger.leaves[0] ?? '', attempt: 1 } });
export const enrolAgain = (changes: Partial<MdmEnrolment> = {}, name = 'new'): void => {
  mdm.records = [record(name, { previous: ['old'], enrolledMdmMs: 3_000, reportedMdmMs: 4_000, ...changes })];
};
export const stateOf = async (request = 'r-1'): Promise<string | undefined> => (await central.database.query<{ state: string }>('select state from sanitization_request where request = $1', [request])).rows[0]?.state;
export const kinds = async (after = 0): Promise<string[]> => (await station.statements(after)).map(({ claims }) => claims.facts.kind);
export const failures = async (): Promise<string[]> => (await station.statements()).flatMap(({ claims }) => (claims.facts.kind === 'sanitization-failed' ? [claims.facts.failure] : []));
