import type { PolicyBundle } from '../contract/policy-bundle.ts';
import { CURSOR_META, type ReceivedBundle, type ReceivedStatement } from '../contract/network-event.ts';
import type { CustodyClaims, StatementClaims } from '../contract/statement.ts';
import type { EntryDraft, LedgerValue } from '../domain/entries.ts';
import { judgeElsewhere } from '../domain/elsewhere.ts';
import { isUpdateOpen, judgeUpdateBinding } from '../domain/os-update.ts';
import { judgeBinding } from '../domain/sanitization.ts';
import { nextSanitizationSteps } from '../domain/sanitization-runner.ts';
import { completedSanitization } from '../domain/sanitized.ts';
import type { DeviceRow, Evidence } from '../domain/tables.ts';
import type { StatementKind } from '../domain/terms.ts';
import { nextUpdateSteps } from '../domain/update-runner.ts';
import type { Overnight } from './overnight.ts';
import type { RequestDraft } from './cycle-port.ts';
import type { Record } from './record.ts';
import type { StationContext } from './state.ts';

/** Evidence from the network, and what the station asks for in return (R3). */
export interface TakeEvidence {
  /** `cursor`: how far the server's statements have been taken; committed together with the entries. */
  statements(received: readonly ReceivedStatement[], cursor: number): Promise<boolean>;
  bundle(received: ReceivedBundle): Promise<void>;
  /** Uses a bundle that was verified in an earlier life of the program, before the network has answered. */
  useBundle(bundle: PolicyBundle): void;
  /** Where the ledger is younger than that bundle (it was lost and begins anew), its devices are admitted, so that their returns are recorded. */
  admitKnown(bundle: PolicyBundle): Promise<void>;
  /** Asks for whatever sanitization the docked devices now need, and records those whose proof is complete. */
  pursue(): Promise<void>;
}

export function createTakeEvidence(context: StationContext, record: Record, overnight: Pick<Overnight, 'turn' | 'wipesAtOnce' | 'overdueMs' | 'updates'>, cyclePort: (request: RequestDraft) => void): TakeEvidence {
  const { deps, state } = context;
  const { store } = deps;

  const useBundle = (bundle: PolicyBundle): void => {
    state.bundle = bundle;
    state.staffByActor = new Map(bundle.staff.map((person) => [person.actor, person]));
    state.staffByHmac = new Map(bundle.staff.flatMap((person) => person.badges.map(({ hmac }) => [hmac, person] as const)));
  };

  const judge = (statement: ReceivedStatement): EntryDraft => {
    const { digest } = statement;
    if ('refusal' in statement) return { type: 'statement-refused', body: { reason: statement.refusal, digest } };
    if ('custody' in statement) return judgeCustody(statement.custody, digest);
    const { claims } = statement;
    const device = store.view.get('device', claims.serial);
    if (claims.facts.kind === 'updated' || claims.facts.kind === 'update-failed') return judgeUpdate(claims, claims.facts, digest, device);
    const unbound = judgeBinding(claims, deps.place, device) ?? (device && alreadyHeld(device, claims) ? 'duplicate' : undefined);
    if (unbound) return { type: 'statement-refused', ...(device ? { device: device.serial } : {}), body: { reason: unbound, digest } };
    const { kind, ...facts } = claims.facts;
    if (claims.facts.kind === 'sanitization-failed') return { type: 'sanitization-failed', device: claims.serial, body: { request: claims.request, reason: claims.facts.failure } };
    return { type: 'statement-accepted', device: claims.serial, body: { kind, request: claims.request, digest, issuedAtMs: claims.issuedAtMs, facts: facts as { readonly [key: string]: LedgerValue } } };
  };

  const judgeUpdate = ({ serial, request, issuedAtMs, ...claims }: StatementClaims, facts: Extract<StatementClaims['facts'], { kind: 'updated' | 'update-failed' }>, digest: string, device: DeviceRow | undefined): EntryDraft => {
    const reason = judgeUpdateBinding({ ...claims, serial, request }, deps.place, device);
    if (reason) return { type: 'statement-refused', ...(device ? { device: device.serial } : {}), body: { reason, digest } };
    if (facts.kind === 'update-failed') return { type: 'update-failed', device: serial, body: { request, reason: facts.failure } };
    return { type: 'updated', device: serial, body: { request, before: facts.before, after: facts.after, issuedAtMs, digest } };
  };

  /** A release that ended at another cart: whoever holds it is free, and the tablet is not in any slot here. */
  const judgeCustody = (claims: CustodyClaims, digest: string): EntryDraft => {
    const device = store.view.get('device', claims.serial);
    const refusal = judgeElsewhere(claims, deps.place, device);
    if (refusal) return { type: 'statement-refused', ...(device ? { device: device.serial } : {}), body: { reason: refusal, digest } };
    const { kind: _kind, notBeforeMs, notAfterMs, ...fact } = claims.fact;
    const actor = device?.custody.kind === 'person' ? { actor: device.custody.actor } : {};
    return {
      type: 'returned-elsewhere',
      device: claims.serial,
      ...actor,
      body: { release: claims.release, ...fact, ...(notBeforeMs === undefined ? {} : { notBeforeMs }), ...(notAfterMs === undefined ? {} : { notAfterMs }), issuedAtMs: claims.issuedAtMs, digest },
    };
  };

  /** False while the disk has no room for it; the server sends it again. */
  const keep = async (jws: string, bundle: PolicyBundle): Promise<boolean> => {
    try {
      await deps.keepBundle(jws, bundle);
      return true;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      if (!state.ledgerFailing) deps.log({ level: 'error', what: 'the disk is full; the new policy bundle is not taken and nothing is released until there is space' });
      state.ledgerFailing = true;
      return false;
    }
  };

  return {
    statements: async (received, cursor) => {
      for (const [index, statement] of received.entries()) {
        const last = index === received.length - 1;
        const done = await record([judge(statement)], last ? { meta: { [CURSOR_META]: String(cursor) } } : {});
        if (!done) return false;
      }
      return true;
    },
    bundle: async (received) => {
      if ('refusal' in received) {
        // The server sends it again until there is a better one: told once is enough.
        if (state.refusedBundle === received.digest) return;
        const { revoked } = received;
        const newly = (revoked?.actors ?? []).filter((actor) => (store.view.get('person', actor)?.revokedInVersion ?? 0) < (revoked?.version ?? 0) && state.staffByActor.get(actor)?.revoked !== true);
        const told = await record([
          { type: 'bundle-refused', body: { reason: received.refusal, digest: received.digest } },
          ...newly.map((actor) => ({ type: 'staff-revoked' as const, actor, body: { bundleVersion: revoked?.version ?? 0 } })),
        ]);
        if (told) state.refusedBundle = received.digest;
        return;
      }
      const { bundle, digest } = received;
      const held = store.view.get('cart', 'cart')?.bundle;
      if (held && bundle.version <= held.version) return;
      const kept = await keep(received.jws, bundle);
      if (!kept) return;
      const { version, issuedAtMs, expiresAtMs } = bundle;
      const done = await record([{ type: 'bundle-accepted', body: { version, issuedAtMs, expiresAtMs, digest } }, ...fleetChanges(bundle, (serial) => store.view.get('device', serial))]);
      if (done) useBundle(bundle);
    },
    useBundle,
    admitKnown: async (bundle) => {
      const held = store.view.get('cart', 'cart')?.bundle;
      if (!held || held.version <= bundle.version) await record(fleetChanges(bundle, (serial) => store.view.get('device', serial)));
    },
    pursue: async () => {
      const rules = state.bundle?.rules;
      if (!rules || state.sight !== 'watching') return;
      const live = new Map(context.liveSlots().flatMap(({ slot, serial, twice }) => (twice || serial === undefined ? [] : [[slot, serial] as const])));
      const nowMs = deps.clock.wallMs();
      const fresh = (): { readonly request: string; readonly nonce: string } => ({ request: deps.randomId(), nonce: deps.randomId() });
      // First: a tablet whose update has just come to nothing may be owed a wipe.
      for (const step of nextUpdateSteps({ view: store.view, live, nowMs, fresh, ...overnight.updates() })) await record([step]);
      const steps = nextSanitizationSteps({
        view: store.view,
        live,
        rules,
        nowMs,
        contactSinceMs: state.online ? state.onlineSinceMs : deps.clock.wallMs(),
        wipesAtOnce: overnight.wipesAtOnce(),
        turn: overnight.turn,
        overdueMs: overnight.overdueMs,
        fresh,
      });
      for (const step of steps) {
        const done = await record([step]);
        if (done && step.type === 'sanitization-requested' && step.body.attempt > 1) cyclePort(step);
      }
      for (const { device, live } of context.candidates()) {
        const done = completedSanitization({ device, live, rules, ladder: context.ladder(), nowMs: context.trusted().ms });
        if (done) await record([done]);
      }
    },
  };
}

type EvidenceKind = Exclude<StatementKind, 'sanitization-failed' | 'updated' | 'update-failed'>;

const EVIDENCE_OF: Readonly<{ [K in EvidenceKind]: keyof Evidence }> = {
  'wipe-confirmed': 'wipe',
  enrolled: 'enrolment',
  'credentials-revoked': 'revocation',
  'queue-clear': 'queue',
  'profile-present': 'profile',
  posture: 'posture',
};

/** A replayed or overtaken statement adds nothing: only one issued later than the evidence held counts. What an update may change is not taken while it is open. */
function alreadyHeld(device: DeviceRow, claims: StatementClaims): boolean {
  const { kind } = claims.facts;
  if (kind === 'sanitization-failed') return device.request?.failure !== undefined;
  if (kind === 'updated' || kind === 'update-failed') return false;
  if ((kind === 'profile-present' || kind === 'posture') && isUpdateOpen(device)) return true;
  const held = device.evidence[EVIDENCE_OF[kind]];
  return held !== undefined && claims.issuedAtMs <= held.atMs;
}

/** What the bundle changes about the fleet, device by device, so that each change is its own entry. */
function fleetChanges(bundle: PolicyBundle, known: (serial: string) => DeviceRow | undefined): readonly EntryDraft[] {
  return bundle.devices.flatMap(({ serial, asset, ward, model, profile, standing }): readonly EntryDraft[] => {
    const row = known(serial);
    const same = row && row.asset === asset && row.ward === ward && row.model === model && row.profile === profile;
    return [
      ...(same ? [] : [{ type: 'device-admitted' as const, device: serial, body: { asset, ward, model, profile, bundleVersion: bundle.version } }]),
      ...((row?.standing ?? 'admitted') === standing ? [] : [{ type: 'device-standing' as const, device: serial, body: { standing, bundleVersion: bundle.version } }]),
    ];
  });
}
