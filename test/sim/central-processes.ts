import type { z } from 'zod';
import { answerDownlink, type DownlinkSource } from '../../app/central/downlink.ts';
import { allocateEpoch } from '../../app/central/epochs.ts';
import { parseWire, STATUS, type Refusal } from '../../app/central/http-reply.ts';
import { createIngest, type Ingest } from '../../app/central/ingest.ts';
import { CURSOR_GAP, signJws } from '../../app/central/statements.ts';
import { EVERY_STATION } from '../../app/central/wakener.ts';
import type { withoutKnown } from '../../app/central/witness.ts';
import type { Rules } from '../../app/contract/policy-bundle.ts';
import type { StatementClaims } from '../../app/contract/statement.ts';
import { epochRequest, uploadRequest, type epochResponse } from '../../app/contract/station-http.ts';
import type { DeviceStanding } from '../../app/domain/terms.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { ok, refused, type Result } from '../../app/domain/result.ts';
import { EMPTY_FRONTIER, frontierBytes } from '../../app/ledger/merkle.ts';
import { policy, tablet } from '../support/ward-policy.ts';
import { createProcessLife, type ProcessLife } from './process-life.ts';
import type { VirtualTime } from './virtual-time.ts';
import { copyOf, witnessInMemory, type WitnessFaults, type WitnessMemory, type WitnessRows } from './witness-memory.ts';
import { SERVER_KEYS, WITNESS_VKEY } from './world-keys.ts';

export const TENANT = 'mercy';

/** An HTTP answer as it travels. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter?: string;
}

export interface StoredStatement {
  readonly cursor: number;
  readonly jws: string;
}

/** What the server has beside the witness's tables. Rows are replaced, never changed. */
interface OtherRows {
  readonly statements: Map<string, readonly StoredStatement[]>;
  readonly cursors: Map<string, number>;
  readonly heldCursors: Map<string, number>;
  bundle: { readonly version: number; readonly jws: string; readonly issuedAtMs: number; readonly revision: number } | undefined;
  revision: number;
  readonly standings: Map<string, DeviceStanding>;
}

export interface CentralBackup {
  readonly witness: WitnessRows;
  readonly other: OtherRows;
}

/** Where a mutant takes the place of the real thing. */
export interface CentralMutant {
  readonly known?: typeof withoutKnown;
  readonly faults?: WitnessFaults;
}

/** The server: one database, one or two processes on it, each of which can die at any moment. */
export interface Central {
  rows(): WitnessRows;
  statementsOf(station: string): readonly StoredStatement[];
  bundleVersion(): number;
  /** Unix milliseconds by the server's clock, which people turn. */
  nowMs(): number;
  turnClock(errorMs: number): void;
  enrol(station: string, ledgerKey: string): void;
  /** Answers when a process has answered; rejects when the connection breaks. */
  request(station: string, method: 'GET' | 'POST', path: string, body: string | undefined, closed: AbortSignal): Promise<Answer>;
  up(): boolean;
  /** Kills one process; its supervisor starts it again after `downMs`. */
  kill(process: number, downMs: number): void;
  /** All processes are stopped for `downMs`. Gives how many were running. */
  outage(downMs: number): number;
  backup(): CentralBackup;
  restore(backup: CentralBackup): void;
  setStanding(serial: string, standing: DeviceStanding): void;
  state(claims: Omit<StatementClaims, 'issuedAtMs' | 'tenant'>): Promise<void>;
}

interface Process {
  life: ProcessLife;
  ingest: Ingest;
  readonly under: Set<() => void>;
  releaseAll: () => void;
}

export interface CentralSetting {
  readonly time: VirtualTime;
  readonly random: () => number;
  readonly processes: number;
  readonly serials: readonly string[];
  readonly rules: Rules;
  readonly mutant: CentralMutant;
  /** Chance that a process dies at one commit. */
  readonly deathAtCommit: () => number;
  readonly counts: { serverDeaths: number };
}

export function createCentral({ time, random, processes, serials, rules, mutant, deathAtCommit, counts }: CentralSetting): Central {
  const memory: WitnessMemory = { rows: { origins: new Map(), incidents: new Map(), orders: new Map(), poison: [] }, waiting: new Map() };
  let other: OtherRows = { statements: new Map(), cursors: new Map(), heldCursors: new Map(), bundle: undefined, revision: 1, standings: new Map() };
  const stations: string[] = [];
  let errorMs = 0;
  const nowMs = (): number => Math.floor(time.nowMs() + errorMs);

  const waiters = new Set<{ readonly life: ProcessLife; readonly topics: readonly string[]; readonly done: () => void }>();
  const announce = (topic: string): void => {
    for (const waiter of [...waiters]) if (waiter.topics.includes(topic)) waiter.done();
  };

  const issueBundle = async (held: number): Promise<NonNullable<OtherRows['bundle']>> => {
    const { revision } = other;
    const issuedAtMs = nowMs();
    const version = Math.max(other.bundle?.version ?? 0, held) + 1;
    const devices = serials.map((serial) => ({ ...tablet(serial), standing: other.standings.get(serial) ?? ('admitted' as const) }));
    const base = policy({ version, issuedAtMs, devices, rules });
    const payload = { ...base, tenant: TENANT, stations: [...stations], keys: { ...base.keys, server: [SERVER_KEYS.statement.jwk], witness: WITNESS_VKEY } };
    const jws = await signJws(SERVER_KEYS, 'dockward-bundle+jwt', payload);
    return { version, jws, issuedAtMs, revision };
  };
  const bundles = {
    current: (held = 0) =>
      time.pooled(async () => {
        const { bundle } = other;
        if (bundle && bundle.revision === other.revision && nowMs() - bundle.issuedAtMs <= 3_600_000 && bundle.version >= held) return bundle;
        other.bundle = await issueBundle(held);
        return other.bundle;
      }),
  };

  const source = (life: ProcessLife): DownlinkSource => ({
    bundles: { current: (held) => life.hears(bundles.current(held)) },
    statementsAfter: async (station, after) => (other.statements.get(station) ?? []).filter(({ cursor }) => cursor > after).slice(0, 200),
    monoMs: time.nowMs,
    wakener: {
      wait: (topics, ms, aborted) =>
        new Promise((resolve) => {
          const waiter = { life, topics, done: finish };
          const cancel = life.after(ms, 'a long poll looks again', finish);
          function finish(): void {
            cancel();
            waiters.delete(waiter);
            aborted?.removeEventListener('abort', finish);
            if (life.alive()) resolve();
          }
          if (aborted?.aborted) return finish();
          waiters.add(waiter);
          aborted?.addEventListener('abort', finish);
        }),
    },
  });

  const openEpoch = (station: string, request: z.infer<typeof epochRequest>): Result<z.infer<typeof epochResponse>, Refusal> => {
    const key = Buffer.from(request.ledgerKey, 'base64');
    const known = [...memory.rows.origins].filter(([, { row }]) => row.station === station).map(([origin, { row, openedAtMs }]) => ({ origin, epoch: row.epoch, ledger_key: row.ledger_key, size: row.size, opened_at_ms: openedAtMs }));
    known.sort((a, b) => b.epoch - a.epoch);
    const allocated = allocateEpoch(known, { epoch: request.epoch, key }, nowMs());
    if (!allocated.ok) return allocated;
    if ('origin' in allocated.value) return ok({ origin: allocated.value.origin });
    const { epoch } = allocated.value;
    const origin = `${TENANT}/station/${station}/e${epoch}`;
    openOrigin(origin, station, epoch, key, nowMs());
    memory.rows.incidents.set(`${origin} epoch-begun`, { station, origin, kind: 'epoch-begun', evidence: origin, detail: { cause: request.cause ?? 'unreadable', asked: request.epoch } });
    return ok({ origin });
  };
  const openOrigin = (origin: string, station: string, epoch: number, ledger_key: Buffer, openedAtMs: number | null): void => {
    memory.rows.origins.set(origin, {
      openedAtMs,
      entries: [],
      projection: new Map(),
      row: { station, epoch, ledger_key, rotations: [], key_revoked_at_ms: null, size: 0, frontier: frontierBytes(EMPTY_FRONTIER), last_leaf: null, checkpoint: null, cosignature: null, cosigned_at_ms: null, refolded: 0 },
    });
  };

  const gap = (): number => 1 + Math.floor(random() * (CURSOR_GAP - 1));
  const queueBehind = (station: string, after: number): void => {
    const held = other.heldCursors.get(station) ?? 0;
    const queued = other.statements.get(station) ?? [];
    if (held === after || queued.some(({ cursor }) => cursor === after)) return;
    const from = Math.max(other.cursors.get(station) ?? 0, after) + gap();
    const pending = queued.filter(({ cursor }) => cursor > held);
    other.cursors.set(station, from + pending.length);
    other.statements.set(station, [...queued.slice(0, queued.length - pending.length), ...pending.map(({ jws }, nth) => ({ cursor: from + nth + 1, jws }))]);
  };

  const startProcess = (): Process => {
    const life = createProcessLife(time, random);
    const process: Process = { life, under: new Set(), ingest: () => Promise.reject(new Error('not started')), releaseAll: () => undefined };
    const mayDie = (): 'before' | 'after' | undefined => (random() < deathAtCommit() ? (random() < 0.5 ? 'before' : 'after') : undefined);
    const store = witnessInMemory(memory, life, random, mayDie, () => endProcess(process, 300 + random() * 2_000), mutant.faults ?? {});
    process.releaseAll = store.releaseAll;
    process.ingest = createIngest({ store, keys: SERVER_KEYS, now: nowMs, project: projectEntry }, mutant.known);
    return process;
  };
  const endProcess = (process: Process, downMs: number): void => {
    if (!process.life.alive()) return;
    counts.serverDeaths += 1;
    process.life.end();
    process.releaseAll();
    // Node keeps every combined signal that somebody listens to, and all that hangs on it.
    for (const waiter of [...waiters]) if (waiter.life === process.life) waiter.done();
    for (const broken of [...process.under]) broken();
    process.under.clear();
    const at = running.indexOf(process);
    time.after(downMs, 'a server process starts', () => {
      if (at >= 0) running[at] = startProcess();
    });
  };
  const running = Array.from({ length: processes }, startProcess);

  const answer = async (process: Process, station: string, method: string, path: string, body: string | undefined, closed: AbortSignal): Promise<Answer> => {
    const url = new URL(path, 'https://central');
    const json: unknown = body === undefined ? undefined : JSON.parse(body);
    switch (`${method} ${url.pathname}`) {
      case 'POST /v1/log/entries': {
        const parsed = parseWire(uploadRequest, json);
        return reply(parsed.ok ? await process.ingest(station, parsed.value) : parsed);
      }
      case 'POST /v1/epochs': {
        const parsed = parseWire(epochRequest, json);
        const opened = parsed.ok ? openEpoch(station, parsed.value) : parsed;
        return opened.ok || opened.reason.reason !== 'slow-down' ? reply(opened) : { ...reply(opened), retryAfter: '600' };
      }
      case 'GET /v1/downlink': {
        const number = (name: string): number => Number(url.searchParams.get(name) ?? 0);
        if (number('after') > 0) queueBehind(station, number('after'));
        other.heldCursors.set(station, number('after'));
        return reply(ok(await answerDownlink(source(process.life), { station, bundle: number('bundle'), after: number('after'), waitMs: number('waitMs') }, closed)));
      }
      default:
        return reply(refused({ reason: 'not-found', message: `There is nothing at ${path}.` }));
    }
  };

  return {
    rows: () => memory.rows,
    statementsOf: (station) => other.statements.get(station) ?? [],
    bundleVersion: () => other.bundle?.version ?? 0,
    nowMs,
    turnClock: (error) => {
      errorMs = error;
    },
    enrol: (station, ledgerKey) => {
      stations.push(station);
      openOrigin(`${TENANT}/station/${station}/e1`, station, 1, Buffer.from(ledgerKey, 'base64'), null);
    },
    up: () => running.some(({ life }) => life.alive()),
    request: (station, method, path, body, closed) =>
      new Promise((resolve, reject) => {
        const living = running.filter(({ life }) => life.alive());
        const process = living[Math.floor(random() * living.length)];
        if (!process) return reject(new Error('connection refused'));
        const broken = (): void => reject(new Error('connection reset'));
        process.under.add(broken);
        answer(process, station, method, path, body, closed)
          .catch((error: unknown) => reply(refused({ reason: 'unavailable', message: error instanceof Error ? error.message : String(error) })))
          .then((said) => {
            process.under.delete(broken);
            if (process.life.alive()) resolve(said);
          }, reject);
      }),
    kill: (process, downMs) => {
      const chosen = running[process % running.length];
      if (chosen) endProcess(chosen, downMs);
    },
    outage: (downMs) => {
      const living = running.filter(({ life }) => life.alive());
      for (const process of living) endProcess(process, downMs);
      return living.length;
    },
    backup: () => ({ witness: copyOf(memory.rows), other: copyOther(other) }),
    restore: (backup) => {
      for (const process of [...running]) endProcess(process, 1_000);
      memory.rows = copyOf(backup.witness);
      memory.waiting.clear();
      other = copyOther(backup.other);
    },
    setStanding: (serial, standing) => {
      other.standings.set(serial, standing);
      other.revision += 1;
      announce(EVERY_STATION);
    },
    state: (claims) =>
      time.pooled(async () => {
        const jws = await signJws(SERVER_KEYS, 'dockward-statement+jwt', { ...claims, tenant: TENANT, issuedAtMs: nowMs() });
        const cursor = Math.max(other.cursors.get(claims.station) ?? 0, nowMs()) + gap();
        other.cursors.set(claims.station, cursor);
        other.statements.set(claims.station, [...(other.statements.get(claims.station) ?? []), { cursor, jws }]);
        announce(claims.station);
      }),
  };
}

const copyOther = (rows: OtherRows): OtherRows => ({ ...rows, statements: new Map(rows.statements), cursors: new Map(rows.cursors), heldCursors: new Map(rows.heldCursors), standings: new Map(rows.standings) });

function reply<T>(result: Result<T, Refusal>): Answer {
  return result.ok ? { status: 200, text: JSON.stringify(result.value) } : { status: STATUS[result.reason.reason], text: JSON.stringify(result.reason) };
}
