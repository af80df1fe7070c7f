import type { z } from 'zod';
import type { BadgeMove, PinMove, rekeyedRequest, rekeyedResponse, SecretKind } from '../contract/secrets.ts';
import type { PinVerifier } from '../contract/policy-bundle.ts';
import type { Database, Queryable } from './database.ts';

/** The two live versions of a kind. */
interface Versions {
  readonly older: number;
  readonly newer: number;
}
interface Move {
  readonly kind: 'badge' | 'pin';
  readonly actor: string;
  readonly from: number;
  readonly to: number;
}

/**
 * Moves badges and PINs to the newer of two live versions as a station found them at a tap. The badge's old HMAC decides whose it is,
 * and an old badge moves once; a PIN's verifier is replaced only while the one here is under the older pepper. Each move and each
 * contradiction is kept with its station, because a station in the wrong hands can lie about both. Known again, it is taken and
 * changes nothing. No bundle is made for it: the older version is live, and the next bundle, within the hour, brings it.
 */
export async function takeRekeyed({ database, now }: { readonly database: Database; readonly now: () => number }, station: string, { badges, pins }: z.infer<typeof rekeyedRequest>): Promise<z.infer<typeof rekeyedResponse>> {
  return database.transaction(async (client) => {
    await client.query('select 1 from tenant for update');
    const [badgeKeys, peppers] = [await twoLive(client, 'badge-key'), await twoLive(client, 'pepper')];
    const note = (outcome: 'moved' | 'refused', { kind, actor, from, to }: Move): Promise<unknown> =>
      client.query(
        `insert into rekeying (kind, outcome, actor, station, from_version, to_version, at_ms) select $1, $2, $3, $4, $5, $6, $7
         where $2 = 'moved' or not exists (select 1 from rekeying where kind = $1 and outcome = $2 and actor = $3 and station = $4 and from_version = $5 and to_version = $6)`,
        [kind, outcome, actor, station, from, to, now()],
      );
    const verdicts: boolean[] = [];
    for (const badge of badges) verdicts.push(badgeKeys !== undefined && (await moveBadge(client, badge, badgeKeys, note)));
    for (const pin of pins) verdicts.push(peppers !== undefined && (await movePin(client, pin, peppers, note)));
    const taken = verdicts.filter(Boolean).length;
    return { taken, refused: verdicts.length - taken };
  });
}

type Note = (outcome: 'moved' | 'refused', move: Move) => Promise<unknown>;

async function moveBadge(client: Queryable, { old, new: next }: BadgeMove, { older, newer }: Versions, note: Note): Promise<boolean> {
  if (old.version !== older || next.version !== newer) return false;
  const owner = (await client.query<{ staff: string; actor: string }>('select staff, actor from badge join staff on staff.id = badge.staff where hmac = $1 and key_version = $2', [old.hmac, older])).rows[0];
  if (!owner) return false;
  const move: Move = { kind: 'badge', actor: owner.actor, from: older, to: newer };
  const standing = await client.query<{ hmac: string; staff: string; moved_from: string | null }>('select hmac, staff, moved_from from badge where key_version = $1 and (hmac = $2 or moved_from = $3)', [newer, next.hmac, old.hmac]);
  const fits = standing.rows.every((row) => row.hmac === next.hmac && row.staff === owner.staff && (row.moved_from ?? old.hmac) === old.hmac);
  if (!fits) {
    await note('refused', move);
    return false;
  }
  const moved = await client.query(
    `insert into badge (hmac, key_version, staff, moved_from) values ($1, $2, $3, $4)
     on conflict (hmac, key_version) do update set moved_from = excluded.moved_from where badge.moved_from is null`,
    [next.hmac, newer, owner.staff, old.hmac],
  );
  if (moved.rowCount === 1) await note('moved', move);
  return true;
}

async function movePin(client: Queryable, { actor, from, new: next }: PinMove, { older, newer }: Versions, note: Note): Promise<boolean> {
  if (from !== older || next.pepperVersion !== newer) return false;
  const pin = (await client.query<{ pin: PinVerifier | null }>('select pin from staff where actor = $1', [actor])).rows[0]?.pin;
  if (!pin) return false;
  // Another station was first: its verifier stays.
  if (pin.pepperVersion === newer) return true;
  if (pin.pepperVersion !== older) return false;
  await client.query('update staff set pin = $2::jsonb where actor = $1', [actor, JSON.stringify(next)]);
  await note('moved', { kind: 'pin', actor, from, to: newer });
  return true;
}

async function twoLive(client: Queryable, kind: SecretKind): Promise<Versions | undefined> {
  const live = await client.query<{ version: number }>('select version from tenant_secret where kind = $1 and retired_at_ms is null order by version', [kind]);
  const [older, newer] = live.rows;
  return older && newer ? { older: older.version, newer: newer.version } : undefined;
}
