import { z } from 'zod';
import type { Database, Queryable } from '../../database.ts';
import { nanomdmEvent, type NanomdmEvent } from './events.ts';
import { QUESTIONS, type IssuedCommand } from './lives.ts';

/** What is remembered of NanoMDM, for all server processes. */
export interface NanomdmStore {
  /** False: this very event was here before. */
  keep(event: NanomdmEvent): Promise<boolean>;
  /** UDIDs that ever enrolled under this serial. */
  devicesOf(serial: string): Promise<readonly string[]>;
  /** By what the device's newest Authenticate says. */
  serialOf(device: string): Promise<string | undefined>;
  /** Of one device, in no order. */
  events(device: string): Promise<readonly NanomdmEvent[]>;
  commands(device: string): Promise<readonly IssuedCommand[]>;
  command(command: string): Promise<IssuedCommand | undefined>;
  /** Written before they are sent. False: one of them was written before, perhaps by another process; nothing was changed. */
  intend(commands: readonly IssuedCommand[]): Promise<boolean>;
  taken(command: string): Promise<void>;
  pushed(device: string, atMs: number): Promise<void>;
}

/** Lives of one device that are kept. */
const LIVES_KEPT = 8;
/** Rounds of questions of one life that are kept; what they told of certificates stays. */
const ROUNDS_KEPT = 5;

const commandRow = z
  .object({
    command: z.string(),
    device: z.string(),
    enrolment: z.string(),
    kind: z.enum(['erase', 'question', 'lock', 'lost-mode', 'end-of-lost-mode']),
    round: z.int().nullable(),
    question: z.enum(QUESTIONS).nullable(),
    not_before_mdm_ms: z.int(),
    asked_at_ms: z.int(),
    expires_at_ms: z.int().nullable(),
    pushed_at_ms: z.int(),
    taken: z.boolean(),
  })
  .transform(
    (row): IssuedCommand => ({
      command: row.command,
      device: row.device,
      enrolment: row.enrolment,
      kind: row.kind,
      ...(row.round === null ? {} : { round: row.round }),
      ...(row.question === null ? {} : { question: row.question }),
      notBeforeMdmMs: row.not_before_mdm_ms,
      askedAtMs: row.asked_at_ms,
      ...(row.expires_at_ms === null ? {} : { expiresAtMs: row.expires_at_ms }),
      pushedAtMs: row.pushed_at_ms,
      taken: row.taken,
    }),
  );

/** In PostgreSQL; the tables are made by `schema/nanomdm.ts`. */
export function createNanomdmStore(database: Database): NanomdmStore {
  return {
    async keep(event) {
      return database.transaction(async (client) => {
        const serial = event.kind === 'authenticate' ? event.serial : null;
        const kept = await client.query(
          'insert into nanomdm_event (digest, device, at_mdm_ms, serial, event) values ($1, $2, $3, $4, $5::jsonb) on conflict (digest) do nothing',
          [event.digest, event.device, event.atMdmMs, serial, JSON.stringify(event)],
        );
        if (event.kind === 'authenticate') {
          await client.query(
            `delete from nanomdm_event where device = $1 and at_mdm_ms <
               (select at_mdm_ms from nanomdm_event where device = $1 and serial is not null order by at_mdm_ms desc offset $2 limit 1)`,
            [event.device, LIVES_KEPT - 1],
          );
          await client.query(
            `delete from nanomdm_command c where device = $1 and not exists
               (select 1 from nanomdm_event e where e.device = $1 and e.serial is not null and c.enrolment = e.device || '/' || left(e.digest, 16))`,
            [event.device],
          );
        }
        return kept.rowCount === 1;
      });
    },

    async devicesOf(serial) {
      const found = await database.query<{ device: string }>('select distinct device from nanomdm_event where serial = $1', [serial]);
      return found.rows.map((row) => row.device);
    },

    async serialOf(device) {
      const found = await database.query<{ serial: string }>('select serial from nanomdm_event where device = $1 and serial is not null order by at_mdm_ms desc limit 1', [device]);
      return found.rows[0]?.serial;
    },

    async events(device) {
      const found = await database.query<{ event: unknown }>('select event from nanomdm_event where device = $1', [device]);
      return found.rows.map((row) => nanomdmEvent.parse(row.event));
    },

    async commands(device) {
      const found = await database.query('select * from nanomdm_command where device = $1 order by asked_at_ms', [device]);
      return found.rows.map((row) => commandRow.parse(row));
    },

    async command(command) {
      const found = await database.query('select * from nanomdm_command where command = $1', [command]);
      return found.rows[0] === undefined ? undefined : commandRow.parse(found.rows[0]);
    },

    async intend(commands) {
      return database.transaction(async (client) => {
        const first = commands[0];
        if (!first) return false;
        // One at a time, so that of two processes the second finds all of them there.
        await client.query('select pg_advisory_xact_lock(hashtextextended($1, 1))', [first.device]);
        const known = await client.query('select 1 from nanomdm_command where command = any($1::text[])', [commands.map((one) => one.command)]);
        if (known.rowCount !== 0) return false;
        for (const one of commands) {
          await client.query(
            `insert into nanomdm_command (command, device, enrolment, kind, round, question, not_before_mdm_ms, asked_at_ms, expires_at_ms, pushed_at_ms)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
            [one.command, one.device, one.enrolment, one.kind, one.round ?? null, one.question ?? null, one.notBeforeMdmMs, one.askedAtMs, one.expiresAtMs ?? null, one.pushedAtMs],
          );
        }
        if (first.round !== undefined) await forgetRounds(client, first, first.round - ROUNDS_KEPT);
        return true;
      });
    },

    async taken(command) {
      await database.query('update nanomdm_command set taken = true where command = $1', [command]);
    },

    async pushed(device, atMs) {
      await database.query('update nanomdm_command set pushed_at_ms = $2 where device = $1', [device, atMs]);
    },
  };
}

async function forgetRounds(client: Queryable, { device, enrolment }: IssuedCommand, until: number): Promise<void> {
  const old = await client.query<{ command: string }>(
    `delete from nanomdm_command where enrolment = $1 and round <= $2 and question <> 'CertificateList' returning command`,
    [enrolment, until],
  );
  await client.query(`delete from nanomdm_event where device = $1 and event ->> 'command' = any($2::text[])`, [device, old.rows.map((row) => row.command)]);
}
