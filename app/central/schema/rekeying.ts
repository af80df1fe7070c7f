/** Which versions of the tenant's badge key and PIN pepper are live, what hangs on each, and which station moved whom to a newer one. */
export const REKEYING = `
-- Every version that ever was. The keys themselves stand in keys.json alone.
create table tenant_secret (
  kind text not null check (kind in ('badge-key', 'pepper')),
  version int not null,
  -- SHA-256 of the key's 32 random bytes, hex: tells whether keys.json holds this one.
  fingerprint text not null,
  -- tenant.secrets_version from which on it was live.
  since int not null,
  made_at_ms bigint not null,
  retired_at_ms bigint,
  primary key (kind, version)
);
-- Grows with every rotation and every retirement.
alter table tenant add column secrets_version int not null default 1;
-- The newest secrets that were encrypted to the station, and those that it said it keeps.
alter table station add column secrets_sent int not null default 1;
alter table station add column secrets_held int not null default 1;
-- HMAC of the same badge under the version before. One badge moves once.
alter table badge add column moved_from text;
create unique index badge_moved_once on badge (key_version, moved_from) where moved_from is not null;
-- What stations reported of badges and PINs under a newer version. 'refused': it contradicted what is held here.
create table rekeying (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('badge', 'pin')),
  outcome text not null check (outcome in ('moved', 'refused')),
  actor text not null,
  station text not null references station(id),
  from_version int not null,
  to_version int not null,
  at_ms bigint not null
);
create index rekeying_by_actor on rekeying (actor, at_ms desc);
`;
