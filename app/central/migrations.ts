import { CUSTODY } from './schema/custody.ts';
import { KEY_RANGES } from './schema/key-ranges.ts';
import { CARD_TRUST } from './schema/card-trust.ts';
import { CERTIFICATES } from './schema/certificates.ts';
import { CREDENTIAL_USE } from './schema/credential-use.ts';
import { MDM_SETTINGS } from './schema/mdm-settings.ts';
import { MORNING } from './schema/morning.ts';
import { OS_UPDATES } from './schema/os-updates.ts';
import { NANOMDM } from './schema/nanomdm.ts';
import { REKEYING } from './schema/rekeying.ts';
import { SUBTREES } from './schema/subtrees.ts';

/**
 * The server's schema, one step per number; a step is frozen once shipped. Each runs in a transaction of its own.
 * Times are Unix milliseconds. `json` columns that are compared or signed hold text exactly as it was signed.
 */
export const MIGRATIONS: readonly string[] = [
  `
create table tenant (
  only_row boolean primary key default true check (only_row),
  name text not null,
  -- Digest of the public halves of the tenant's keys: a process with other keys must not write here.
  keys_digest text,
  -- Grows with every change that a policy bundle shows.
  revision bigint not null default 1,
  rules jsonb
);
create table ward (id text primary key, name text not null);
create table staff (
  id text primary key,
  actor text not null unique,
  salt text not null,
  name text not null,
  short text not null,
  roles text[] not null,
  wards text[] not null,
  revoked boolean not null default false,
  pin jsonb
);
create table badge (
  hmac text not null,
  key_version int not null,
  staff text not null references staff(id),
  primary key (hmac, key_version)
);
create table device (
  serial text primary key,
  asset text not null,
  ward text not null references ward(id),
  model text not null,
  platform text not null,
  profile text not null,
  standing text not null
);
create table station (
  id text primary key,
  ward text not null references ward(id),
  cart text not null,
  shelves jsonb not null,
  encryption_key jsonb not null,
  certificate_until_ms bigint not null,
  denied_at_ms bigint,
  enrolled_at_ms bigint not null,
  statement_cursor bigint not null default 0
);
create table enrolment_code (
  selector text primary key,
  secret_hash bytea not null,
  ward text not null references ward(id),
  cart text not null,
  expires_at_ms bigint not null,
  tries int not null default 0,
  used_at_ms bigint
);
create table origin (
  origin text primary key,
  station text not null references station(id),
  epoch int not null,
  ledger_key bytea not null,
  size bigint not null default 0,
  -- RFC 6962 compact range of the entries held: its hashes one after another.
  frontier bytea not null default '',
  last_leaf text,
  checkpoint text,
  cosignature text,
  cosigned_at_ms bigint
);
create table entry (
  origin text not null references origin(origin),
  seq bigint not null,
  bytes bytea not null,
  leaf bytea not null,
  type text not null,
  device text,
  actor text,
  slot int,
  at_ms bigint not null,
  primary key (origin, seq)
);
create index entry_by_device on entry (device, at_ms desc) where device is not null;
create index entry_by_time on entry (at_ms desc);
create table projection (
  origin text not null references origin(origin),
  tbl text not null,
  key text not null,
  row jsonb not null,
  primary key (origin, tbl, key)
);
-- Which ledger last said where a device is.
create table placement (serial text primary key, origin text not null references origin(origin), at_ms bigint not null);
create table sanitization_request (
  request text primary key,
  -- Order in which requests arrived; a later one for the same serial supersedes.
  arrival bigint generated always as identity,
  station text not null references station(id),
  serial text not null,
  nonce text not null,
  exposure text not null,
  -- Leaf of the ledger entry that asked for it.
  cited_leaf text not null,
  -- The ledger that holds that entry, and when the server got it.
  origin text not null references origin(origin),
  arrived_at_ms bigint not null,
  state text not null check (state in ('requested', 'issuing', 'observing', 'complete', 'failed', 'superseded')),
  -- Written down before the command goes out, so that a crash is followed by looking, never by guessing.
  previous_enrolment text,
  command text,
  issued_at_ms bigint,
  -- Entries of that ledger held here when the MDM last listed no new enrolment.
  unseen_at_size bigint not null default 0,
  -- By kind of fact: what was last stated.
  stated jsonb not null default '{}',
  failure text,
  detail text,
  tries int not null default 0,
  next_at_ms bigint not null
);
create index sanitization_due on sanitization_request (next_at_ms) where state in ('requested', 'issuing', 'observing', 'complete');
create index sanitization_by_serial on sanitization_request (serial);
-- "Look now": something happened at the cart. Only ever inserted and deleted, so that nobody waits for a row being worked on.
create table sanitization_nudge (id bigint generated always as identity primary key, request text not null);
-- Every enrolment this server ever stated or wiped. One enrolment proves one sanitization at most.
create table seen_enrolment (enrolment text primary key, serial text not null, request text);
create table statement (
  station text not null references station(id),
  cursor bigint not null,
  jws text not null,
  request text not null,
  kind text not null,
  issued_at_ms bigint not null,
  primary key (station, cursor)
);
create table bundle (
  version bigint primary key,
  revision bigint not null,
  issued_at_ms bigint not null,
  jws text not null
);
create table administrator (
  name text primary key,
  salt bytea not null,
  hash bytea not null,
  roles text[] not null,
  failures int not null default 0,
  locked_until_ms bigint not null default 0
);
create table session (
  token_hash bytea primary key,
  name text not null references administrator(name),
  created_at_ms bigint not null,
  expires_at_ms bigint not null
);
create table auditor_token (token_hash bytea primary key, created_at_ms bigint not null);
`,
  `
-- Grows when a projection was made anew from its entries: what a process remembers of the old one no longer counts.
alter table origin add column refolded int not null default 0;
alter table origin add column opened_at_ms bigint;
-- Entries that are in the tree and in \`entry\`, but whose effect this program could not work out or store.
create table poison_entry (
  origin text not null references origin(origin),
  seq bigint not null,
  bytes bytea not null,
  reason text not null check (reason in ('unreadable', 'unstorable', 'unfoldable')),
  message text not null,
  found_at_ms bigint not null,
  -- Set once a later program understood it.
  replayed_at_ms bigint,
  primary key (origin, seq)
);
-- What the witness noticed about a ledger. One row per thing noticed; \`count\` says how often it was met again.
create table incident (
  id bigint generated always as identity primary key,
  station text not null references station(id),
  origin text not null,
  kind text not null,
  -- SHA-256, hex, of what makes this incident another than the last of its kind.
  evidence text not null,
  detail jsonb not null,
  -- The station's signed checkpoint, where there is one: proof against whoever signed it.
  note text,
  first_at_ms bigint not null,
  last_at_ms bigint not null,
  count int not null default 1,
  unique (origin, kind, evidence)
);
-- Entries are only ever written under the lock of their ledger's row, so its existence need not be looked up for each of them.
alter table entry drop constraint entry_origin_fkey;
create table renewal_nonce (nonce_hash bytea primary key, expires_at_ms bigint not null);
`,
  SUBTREES,
  CUSTODY,
  KEY_RANGES,
  REKEYING,
  CARD_TRUST,
  NANOMDM,
  CERTIFICATES,
  CREDENTIAL_USE,
  MORNING,
  OS_UPDATES,
  MDM_SETTINGS,
];
