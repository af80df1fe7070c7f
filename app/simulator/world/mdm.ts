import type { MdmEnrolment, MdmObservation } from '../../domain/mdm-evidence.ts';
import type { MdmEvent, MdmOperation, MdmPace, MdmRecord, MdmState, Misbehaviour, Mischief, StatusReport } from './mdm-records.ts';
import { DEMO_PACE } from './mdm-records.ts';
import { between, hex } from './random.ts';
import type { Tablet } from './tablet.ts';
import { enrol, isOnline, PATCH_FLOOR, wipe } from './tablet.ts';

/** An unconfirmed command lives this long unless the caller says otherwise: the vendor's ten minutes. */
export const DEFAULT_COMMAND_MS = 600_000;

export interface Mdm {
  readonly enterprise: string;
  readonly state: MdmState;
  /** The MDM's own clock, Unix milliseconds: the world's plus a constant skew. */
  nowMs(): number;
  /** Puts a tablet under management and enrols it at once; the name of its first enrolment. */
  admit(tablet: Tablet): string;
  /** Takes a tablet back over after a restart; its records are in the state. */
  adopt(tablet: Tablet): void;
  /** The record of that name, unless deleted. */
  find(enrolment: string): MdmRecord | undefined;
  operation(name: string): MdmOperation | undefined;
  operationsOf(enrolment: string): MdmOperation[];
  /** Every record that is not deleted, in a stable order. */
  listed(): MdmRecord[];
  /** Queues a WIPE; `target` is an enrolment, or a serial (then its newest active enrolment). Undefined: no such record. */
  issueWipe(target: string, order: { request: string; expiresInMs?: number }): MdmOperation | undefined;
  /** Deletes a record; an enrolment in use is erased with it. False: no such record. */
  remove(enrolment: string): boolean;
  /** The policy of that id as somebody wrote it; undefined: there is none. */
  policy(id: string): Readonly<Record<string, unknown>> | undefined;
  writePolicy(id: string, body: Readonly<Record<string, unknown>>): void;
  /** Puts an enrolment under another policy, which its tablet fetches soon. False: no such record or policy. */
  assignPolicy(enrolment: string, id: string): boolean;
  misbehave(mischief: { fault: Misbehaviour; serial?: string; times?: number; ms?: number }): void;
  /** One case of this misbehaviour, if one is due for this serial; it is then used up. */
  takeMischief(fault: Misbehaviour, serial?: string): Mischief | undefined;
  /** Lets everything happen that is due until `worldMs`, in order. */
  tick(worldMs: number): void;
  /** World time of the next thing due. */
  nextDueMs(): number | undefined;
  /** Commands that would still reach this tablet. */
  waitingFor(serial: string): number;
}

/**
 * The records of an Android Management API, and the tablets it manages, without any I/O. `clockMs` is the world's time
 * at the start; `skewMs` sets the MDM's clock apart from it, so that comparing across clocks shows up as a mistake.
 */
export function createMdm(made: { random: () => number; clockMs: number; skewMs?: number; pace?: MdmPace; enterprise?: string; state?: MdmState }): Mdm {
  const { random, pace = DEMO_PACE, enterprise = 'LC00dockward' } = made;
  const skewMs = made.skewMs ?? between(random, -90_000, 90_000);
  const state: MdmState = made.state ?? { records: [], operations: [], events: [], parked: [], mischief: [], order: 0 };
  const tablets = new Map<string, Tablet>();
  let now = made.clockMs + skewMs;

  const find = (name: string): MdmRecord | undefined => state.records.find((record) => record.name === name && record.state !== 'deleted');
  const operation = (name: string): MdmOperation | undefined => state.operations.find((candidate) => candidate.name === name);
  const operationsOf = (device: string): MdmOperation[] => state.operations.filter((candidate) => candidate.device === device);
  const within = (range: readonly [number, number]): number => between(random, range[0], range[1]);

  type Planned = MdmEvent extends infer E ? (E extends MdmEvent ? Omit<E, 'order'> : never) : never;
  function plan(event: Planned): void {
    const planned = { ...event, order: state.order++ } as MdmEvent;
    let index = state.events.length;
    while (index > 0 && (state.events[index - 1]?.atMs ?? 0) > planned.atMs) index -= 1;
    state.events.splice(index, 0, planned);
  }

  function takeMischief(fault: Misbehaviour, serial?: string): Mischief | undefined {
    const found = state.mischief.find((mischief) => mischief.fault === fault && mischief.times > 0 && (mischief.serial === undefined || mischief.serial === serial));
    if (!found) return undefined;
    found.times -= 1;
    if (found.times === 0) state.mischief.splice(state.mischief.indexOf(found), 1);
    return found;
  }

  function addOperation(device: string, type: MdmOperation['type'], reason: string, durationMs: number, outcome: MdmOperation['state'] = 'pending'): MdmOperation {
    const added: MdmOperation = { name: `${device}/operations/${between(random, 1e12, 9e12)}`, device, type, reason, createdMs: now, durationMs, state: outcome };
    state.operations.push(added);
    return added;
  }

  function reportOf(tablet: Tablet): StatusReport {
    return { atMs: now, profile: tablet.profile, patchLevel: tablet.patchLevel, compliant: tablet.compliant, rooted: tablet.rooted, adbEnabled: tablet.adbEnabled, updateWaits: tablet.updateTo !== undefined };
  }

  function addRecord(tablet: Tablet, shown: { serial?: string; enrolledMs?: number }): MdmRecord {
    const previous = state.records.filter((record) => record.tablet === tablet.serial).map((record) => record.name);
    const record: MdmRecord = {
      name: `enterprises/${enterprise}/devices/${hex(random, 16)}`,
      serial: shown.serial ?? tablet.serial,
      tablet: tablet.serial,
      previous,
      enrolledMs: shown.enrolledMs ?? now,
      policy: tablet.wantedProfile,
      state: 'active',
    };
    state.records.push(record);
    return record;
  }

  function retire(record: MdmRecord): void {
    record.state = 'deleted';
    tablets.get(record.tablet)?.credentials.delete(record.name);
  }

  function startErase(tablet: Tablet, command?: string): void {
    tablet.rebooting = true;
    plan({ atMs: now + within(pace.erase), kind: 'erased', serial: tablet.serial, ...(command === undefined ? {} : { operation: command }) });
  }

  function deliver(tablet: Tablet, command: MdmOperation): void {
    if (command.state !== 'pending' || tablet.enrolment !== command.device) return;
    tablet.delivered.add(command.name);
    command.state = 'confirmed';
    if (takeMischief('wipe-acknowledged-not-done', tablet.serial)) return;
    startErase(tablet, command.name);
  }

  function erased(tablet: Tablet, command?: string): void {
    const old = tablet.enrolment;
    wipe(tablet);
    tablet.rebooting = false;
    const record = old === null ? undefined : find(old);
    if (record && !takeMischief('stale-enrolment-record', tablet.serial)) retire(record);
    const late = takeMischief('late-enrolment', tablet.serial);
    plan({ atMs: now + within(pace.enrol) + (late?.ms ?? (late ? 240_000 : 0)), kind: 'enrol', serial: tablet.serial, ...(command === undefined ? {} : { operation: command }) });
  }

  function enrolAgain(tablet: Tablet, command?: string): void {
    const { serial } = tablet;
    const carried = state.records.findLast((record) => record.tablet === serial)?.report;
    const cause = command === undefined ? undefined : operation(command);
    const stranger = [...tablets.keys()].find((other) => other !== serial);
    if (takeMischief('enrols-twice', serial)) enrol(tablet, addRecord(tablet, {}).name, null);
    const record = addRecord(tablet, {
      ...(takeMischief('wrong-serial', serial) ? { serial: stranger ?? `${serial}X` } : {}),
      ...(cause && takeMischief('enrols-under-same-time', serial) ? { enrolledMs: cause.createdMs } : {}),
    });
    const survives = takeMischief('profile-survives', serial);
    enrol(tablet, record.name, survives ? null : tablet.wantedProfile);
    if (takeMischief('adb-left-on', serial)) tablet.adbEnabled = true;
    if (takeMischief('unlock-token-kept', serial)) {
      addOperation(record.name, 'RESET_PASSWORD', '', DEFAULT_COMMAND_MS, 'confirmed');
      tablet.unlockKnown = true;
    }
    if (cause && takeMischief('old-command-replayed', serial)) {
      const replay = addOperation(record.name, cause.type, cause.reason, cause.durationMs);
      plan({ atMs: now + pace.replay, kind: 'deliver', serial, operation: replay.name });
    }
    if (survives) {
      if (carried) record.report = carried;
      plan({ atMs: now + (survives.ms ?? pace.settle), kind: 'settle', serial, record: record.name });
    } else {
      plan({ atMs: now + within(pace.report), kind: 'report', serial, record: record.name });
    }
  }

  const policyOf = (id: string): Readonly<Record<string, unknown>> | undefined => state.policies?.[id] ?? ([...tablets.values()].some(({ wantedProfile }) => wantedProfile === id) ? {} : undefined);

  /** Under a policy that says so, what waits is installed at once. */
  function applyPolicy(tablet: Tablet, record: MdmRecord): void {
    tablet.profile = record.policy;
    plan({ atMs: now + within(pace.report), kind: 'report', serial: tablet.serial, record: record.name });
    const { type } = (policyOf(record.policy)?.['systemUpdate'] ?? {}) as { readonly type?: unknown };
    if (type !== 'AUTOMATIC' || tablet.updateTo === undefined || tablet.updating) return;
    tablet.updating = true;
    if (!takeMischief('update-never-ends', tablet.serial)) plan({ atMs: now + within(pace.download ?? DEMO_PACE.download), kind: 'downloaded', serial: tablet.serial, record: record.name });
  }

  function install(tablet: Tablet, record: string): void {
    tablet.rebooting = true;
    plan({ atMs: now + within(pace.install ?? DEMO_PACE.install), kind: 'installed', serial: tablet.serial, record, failed: takeMischief('update-fails', tablet.serial) !== undefined });
  }

  function installed(tablet: Tablet, record: string, failed: boolean): void {
    tablet.rebooting = false;
    tablet.updating = false;
    if (!failed && tablet.updateTo !== undefined) {
      tablet.patchLevel = tablet.updateTo;
      delete tablet.updateTo;
    }
    plan({ atMs: now + within(pace.report), kind: 'report', serial: tablet.serial, record });
  }

  function happen(event: MdmEvent, tablet: Tablet): void {
    switch (event.kind) {
      case 'deliver': {
        const command = operation(event.operation);
        if (command) deliver(tablet, command);
        return;
      }
      case 'expire': {
        const command = operation(event.operation);
        if (command?.state === 'pending') command.state = 'expired';
        return;
      }
      case 'erased':
        return erased(tablet, event.operation);
      case 'enrol':
        return enrolAgain(tablet, event.operation);
      case 'policy': {
        const record = find(event.record);
        if (record && tablet.enrolment === record.name) applyPolicy(tablet, record);
        return;
      }
      case 'downloaded':
        if (tablet.enrolment === event.record && tablet.updating) install(tablet, event.record);
        return;
      case 'installed':
        return installed(tablet, event.record, event.failed);
      case 'settle':
      case 'report': {
        const record = find(event.record);
        if (!record || tablet.enrolment !== record.name) return;
        if (event.kind === 'settle') tablet.profile = record.policy;
        record.report = reportOf(tablet);
      }
    }
  }

  const needsTablet = (event: MdmEvent): boolean => event.kind !== 'expire' && event.kind !== 'erased' && event.kind !== 'installed';

  function unpark(): void {
    if (state.parked.length === 0) return;
    const waiting = state.parked;
    state.parked = [];
    for (const { order: _, ...event } of waiting) {
      const tablet = tablets.get(event.serial);
      if (tablet && isOnline(tablet)) plan({ ...event, atMs: now });
      else state.parked.push({ ...event, order: state.order++ } as MdmEvent);
    }
  }

  function reportRegularly(): void {
    for (const record of state.records) {
      if (record.state !== 'active' || !record.report || now - record.report.atMs < pace.reportEvery || record.report.atMs < record.enrolledMs) continue;
      const tablet = tablets.get(record.tablet);
      if (tablet && tablet.enrolment === record.name && isOnline(tablet)) record.report = reportOf(tablet);
    }
  }

  return {
    enterprise,
    state,
    nowMs: () => now,
    find,
    operation,
    operationsOf,
    takeMischief,
    admit(tablet) {
      tablets.set(tablet.serial, tablet);
      const record = addRecord(tablet, {});
      enrol(tablet, record.name, tablet.wantedProfile);
      record.report = reportOf(tablet);
      return record.name;
    },
    adopt: (tablet) => void tablets.set(tablet.serial, tablet),
    listed: () => state.records.filter((record) => record.state !== 'deleted'),
    issueWipe(target, order) {
      const record = find(target) ?? state.records.findLast((candidate) => candidate.serial === target && candidate.state === 'active');
      if (!record) return undefined;
      const durationMs = order.expiresInMs ?? DEFAULT_COMMAND_MS;
      const command = addOperation(record.name, 'WIPE', order.request, durationMs);
      plan({ atMs: now + durationMs, kind: 'expire', serial: record.tablet, operation: command.name });
      if (takeMischief('command-expired', record.tablet)) plan({ atMs: now + within(pace.deliver), kind: 'expire', serial: record.tablet, operation: command.name });
      else if (!takeMischief('command-lost', record.tablet)) plan({ atMs: now + Math.max(1, within(pace.deliver)), kind: 'deliver', serial: record.tablet, operation: command.name });
      return command;
    },
    remove(enrolment) {
      const record = find(enrolment);
      if (!record) return false;
      if (takeMischief('delete-does-nothing', record.tablet)) return true;
      retire(record);
      const tablet = tablets.get(record.tablet);
      if (tablet && tablet.enrolment === record.name && !tablet.rebooting) startErase(tablet);
      return true;
    },
    policy: policyOf,
    writePolicy: (id, body) => void (state.policies = { ...state.policies, [id]: body }),
    assignPolicy(enrolment, id) {
      const record = find(enrolment);
      if (!record || policyOf(id) === undefined) return false;
      record.policy = id;
      plan({ atMs: now + Math.max(1, within(pace.deliver)), kind: 'policy', serial: record.tablet, record: record.name });
      return true;
    },
    misbehave({ fault, serial, times = 1, ms }) {
      state.mischief.push({ fault, times, ...(serial === undefined ? {} : { serial }), ...(ms === undefined ? {} : { ms }) });
    },
    tick(worldMs) {
      const until = Math.max(now, worldMs + skewMs);
      unpark();
      for (let event = state.events[0]; event && event.atMs <= until; event = state.events[0]) {
        state.events.shift();
        now = Math.max(now, event.atMs);
        const tablet = tablets.get(event.serial);
        if (!tablet) continue;
        if (needsTablet(event) && !isOnline(tablet)) state.parked.push(event);
        else happen(event, tablet);
        unpark();
      }
      now = until;
      reportRegularly();
    },
    nextDueMs: () => (state.events[0] ? state.events[0].atMs - skewMs : undefined),
    waitingFor(serial) {
      const enrolment = tablets.get(serial)?.enrolment;
      return enrolment === null || enrolment === undefined ? 0 : state.operations.filter((candidate) => candidate.device === enrolment && candidate.state === 'pending').length;
    },
  };
}

export const ANDROID_VERSION = '16';

/** What the adapter makes of one record. What the tablet has not reported counts as bad. */
export function enrolmentSeen(mdm: Mdm, record: MdmRecord, ordersUpdates = false): MdmEnrolment {
  const operations = mdm.operationsOf(record.name);
  const { report } = record;
  return {
    enrolment: record.name,
    serial: record.serial,
    previous: record.previous,
    enrolledMdmMs: record.enrolledMs,
    state: record.state,
    ...(report ? { reportedMdmMs: report.atMs } : {}),
    ...(report?.profile ? { profile: report.profile } : {}),
    compliant: report !== undefined && report.compliant && !report.rooted,
    osAtFloor: report !== undefined && report.patchLevel >= PATCH_FLOOR,
    rooted: report?.rooted ?? true,
    adbEnabled: report?.adbEnabled ?? true,
    ...(report ? { os: `${ANDROID_VERSION} ${report.patchLevel}` } : {}),
    ...(report?.updateWaits === undefined ? {} : { update: report.updateWaits ? (ordersUpdates ? 'waiting' : 'held') : 'none' }),
    pendingCommands: operations.filter((command) => command.state === 'pending').length,
    unlockTokenKept: operations.some((command) => command.type === 'RESET_PASSWORD' && (command.state === 'pending' || command.state === 'confirmed')),
  };
}

/**
 * Exactly what the HTTP adapter reads at this moment. The vendor tells no time of confirmation, only that it is done:
 * it is the whole second of the answer in which that was first read (its `Date`), so it may take up to a second to count.
 */
export function observation(mdm: Mdm, serial: string, previous: string, command: string): MdmObservation {
  const found = mdm.operation(command);
  if (!found) throw new Error(`the MDM has no command ${command}`);
  const listed = mdm.listed();
  const earlier = new Set([previous, ...listed.flatMap((record) => (record.serial === serial ? record.previous : []))]);
  const records = listed.filter((record) => record.serial === serial || earlier.has(record.name));
  return {
    command: {
      command,
      enrolment: found.device,
      issuedMdmMs: found.createdMs,
      state: found.state,
      ...(found.state === 'confirmed' ? { confirmedMdmMs: Math.floor(mdm.nowMs() / 1000) * 1000 } : {}),
    },
    enrolments: records.map((record) => enrolmentSeen(mdm, record)),
  };
}
