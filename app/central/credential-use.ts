import type { FastifyInstance } from 'fastify';
import { credentialUses } from '../contract/credentials.ts';
import type { Database } from './database.ts';
import { iso } from './fleet-view.ts';
import type { Log } from './http-reply.ts';
import type { CredentialUsed } from './mdm/adapter.ts';
import { described, type Guards } from './people-routes.ts';

const DAY_MS = 86_400_000;
const WRITE_EVERY_MS = 10_000;
const MOST = 500;

interface Counted {
  readonly name: string;
  readonly purpose: string;
  readonly outcome: string;
  readonly dayMs: number;
  uses: number;
  readonly firstAtMs: number;
  lastAtMs: number;
}

export interface CredentialUses {
  readonly used: CredentialUsed;
  /** Writes down at once what was counted so far. */
  write(this: void): Promise<void>;
  close(): Promise<void>;
}

/** Counts the uses of credentials (R6.3) and writes them down every ten seconds and at the end. What a crash loses in between is a count, never a fact. */
export function countCredentialUses({ database, now, log }: { readonly database: Database; readonly now: () => number; readonly log: Log }): CredentialUses {
  let counted = new Map<string, Counted>();

  async function write(): Promise<void> {
    const rows = [...counted.values()];
    if (rows.length === 0) return;
    counted = new Map();
    const column = <K extends keyof Counted>(key: K): Counted[K][] => rows.map((row) => row[key]);
    await database.query(
      `insert into credential_use (name, purpose, outcome, day_ms, uses, first_at_ms, last_at_ms)
       select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
       on conflict (name, purpose, outcome, day_ms) do update set uses = credential_use.uses + excluded.uses, last_at_ms = greatest(credential_use.last_at_ms, excluded.last_at_ms)`,
      [column('name'), column('purpose'), column('outcome'), column('dayMs'), column('uses'), column('firstAtMs'), column('lastAtMs')],
    );
  }

  const timer = setInterval(() => void write().catch((error: unknown) => log.error({ err: error }, 'the uses of credentials could not be written')), WRITE_EVERY_MS);
  return {
    write,
    used: ({ name, purpose }, outcome) => {
      const atMs = now();
      const dayMs = Math.floor(atMs / DAY_MS) * DAY_MS;
      const key = JSON.stringify([name, purpose, outcome, dayMs]);
      const before = counted.get(key);
      if (before) {
        before.uses += 1;
        before.lastAtMs = atMs;
      } else counted.set(key, { name, purpose, outcome, dayMs, uses: 1, firstAtMs: atMs, lastAtMs: atMs });
    },
    async close() {
      clearInterval(timer);
      await write();
    },
  };
}

/** For administrators: whose credentials this server used, what for, and whether they were accepted; newest day first. */
export function serveCredentialUses(app: FastifyInstance, { database }: { readonly database: Database }, { administrator }: Guards): void {
  app.get('/api/credential-uses', { onRequest: administrator, schema: described('Uses of machine credentials by day, newest first', { ok: credentialUses }) }, async () => {
    const found = await database.query<{ name: string; purpose: string; outcome: string; day_ms: number; uses: number; first_at_ms: number; last_at_ms: number }>(
      'select * from credential_use order by day_ms desc, name, purpose, outcome limit $1',
      [MOST],
    );
    return { uses: found.rows.map((row) => ({ name: row.name, purpose: row.purpose, outcome: row.outcome, day: iso(row.day_ms).slice(0, 10), uses: Number(row.uses), firstAt: iso(row.first_at_ms), lastAt: iso(row.last_at_ms) })) };
  });
}
