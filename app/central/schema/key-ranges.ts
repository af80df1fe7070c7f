/** Which key signs a ledger's checkpoints, by tree size. */
export const KEY_RANGES = `
-- \`ledger_key\` is the key that a ledger began with; each row here is one that took over from the one before.
create table ledger_key_rotation (
  origin text not null references origin(origin),
  -- Checkpoints of more entries than this are signed by it.
  from_size bigint not null,
  public_key bytea not null,
  recorded_at_ms bigint not null,
  primary key (origin, from_size)
);
-- The key that an administrator wants replaced: an order for as long as it is the one that signs.
alter table origin add column rotate_key bytea;
-- The station was put on the deny-list: its key is revoked, and nothing more is cosigned under it.
alter table origin add column key_revoked_at_ms bigint;
update origin set key_revoked_at_ms = denied_at_ms from station where station.id = origin.station and denied_at_ms is not null;
-- The server's own keys, by their raw public halves; the private ones are in keys.json. One row is never taken out: old signatures
-- are checked with it.
create table server_key (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('statement', 'witness')),
  public_key bytea not null unique,
  made_at_ms bigint not null,
  -- The first policy bundle that names it.
  announced_version bigint,
  -- Set once it signs.
  signing_at_ms bigint,
  -- Set once nothing more is signed by it and no station has to believe it.
  retired_at_ms bigint
);
-- What a station was seen to hold when it last asked: which server keys it knows follows from it.
alter table station add column held_bundle bigint not null default 0;
alter table station add column held_cursor bigint not null default 0;
`;
