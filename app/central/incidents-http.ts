import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { incidentKind, incidentsView, replayRequest, replayResponse, type IncidentsView } from '../contract/incidents.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import type { CartView, Change } from '../domain/tables.ts';
import type { Database } from './database.ts';
import { iso } from './fleet-view.ts';
import { parseWire, sendRefusal } from './http-reply.ts';
import { described, type Guards } from './people-routes.ts';
import { replayPoison } from './poison-replay.ts';

export interface IncidentsHttpDeps {
  readonly database: Database;
  readonly now: () => number;
  readonly project: (view: CartView, entry: RecordedEntry) => readonly Change[];
}

const MOST = 500;

/** What happened, what it means, what to do: for the person who is responsible for the carts. */
const WORDS: Readonly<Record<z.infer<typeof incidentKind>, string>> = {
  'two-histories': 'The cart signed a history that contradicts the one witnessed here. Its disk was restored, copied, or its key is in other hands. It has been given a new ledger; both are kept. Find out where its disk has been.',
  'invalid-upload': 'Somebody sent records in this cart’s name that its ledger key did not sign. They were refused. Look at the network between the cart and the server.',
  'ledger-continued': 'A ledger that had been given up went on growing: two programs run as this cart. Find the copy, and deny the station until there is one.',
  'witness-behind': 'The cart holds a signature of this server that this server no longer knows: its database was restored from an older state. The cart sends its records again by itself.',
  'epoch-begun': 'The cart began a new ledger in place of the one before, which is kept.',
  'bad-rotation': 'A change of the cart’s ledger key was not signed by both keys, or a key was used that had been replaced. It was refused. Treat the key as stolen until you know better.',
};

/** What the witness noticed, and the records it could not work out, for signed-in people; replay for administrators. */
export function serveIncidents(app: FastifyInstance, deps: IncidentsHttpDeps, guards: Guards): void {
  app.get('/api/incidents', { onRequest: guards.signedIn, schema: described('What the witness noticed about ledgers, and records whose effect was set aside; newest first', { ok: incidentsView }) }, () => readIncidents(deps.database));
  app.post('/api/poison/replay', { onRequest: guards.administrator, schema: described('Folds a ledger anew, so that set-aside records which this program understands take effect', { body: replayRequest, ok: replayResponse }) }, async (request, reply) => {
    const body = parseWire(replayRequest, request.body);
    if (!body.ok) return sendRefusal(reply, body.reason);
    const known = await deps.database.query('select 1 from origin where origin = $1', [body.value.origin]);
    if (known.rowCount === 0) return sendRefusal(reply, { reason: 'not-found', message: `There is no ledger "${body.value.origin}".` });
    return replayPoison(deps, body.value.origin);
  });
}

export async function readIncidents(database: Database): Promise<IncidentsView> {
  const incidents = await database.query<{ id: number; station: string; cart: string; origin: string; kind: string; first_at_ms: number; last_at_ms: number; count: number; note: string | null }>(
    'select incident.id, incident.station, cart, origin, kind, first_at_ms, last_at_ms, count, note from incident join station on station.id = incident.station order by last_at_ms desc, incident.id desc limit $1',
    [MOST],
  );
  const poison = await database.query<{ origin: string; cart: string; seq: number; reason: never; message: string; found_at_ms: number; replayed_at_ms: number | null; bytes: Buffer }>(
    'select poison_entry.origin, cart, seq, reason, message, found_at_ms, replayed_at_ms, bytes from poison_entry join origin using (origin) join station on station.id = origin.station order by found_at_ms desc, seq desc limit $1',
    [MOST],
  );
  return {
    incidents: incidents.rows.map(({ kind, first_at_ms, last_at_ms, note, ...row }) => {
      const known = incidentKind.parse(kind);
      return { ...row, kind: known, text: WORDS[known], firstAt: iso(first_at_ms), lastAt: iso(last_at_ms), ...(note === null ? {} : { note }) };
    }),
    poison: poison.rows.map(({ found_at_ms, replayed_at_ms, bytes, ...row }) => ({ ...row, foundAt: iso(found_at_ms), ...(replayed_at_ms === null ? {} : { replayedAt: iso(replayed_at_ms) }), bytes: bytes.toString('base64') })),
  };
}
