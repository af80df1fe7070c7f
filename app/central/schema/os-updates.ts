/** Updates of the operating system (os-updates.ts). */
export const OS_UPDATES = `
-- Updates of the operating system that carts asked for. \`ending\`: the order is being taken back; \`returning\`: until the tablet reports its ward's profile again.
create table update_request (
  request text primary key,
  arrival bigint generated always as identity,
  station text not null references station(id),
  serial text not null,
  nonce text not null,
  -- The entry that asked for it.
  origin text not null references origin(origin),
  seq bigint not null,
  arrived_at_ms bigint not null,
  state text not null check (state in ('requested', 'ordering', 'observing', 'ending', 'returning', 'over')),
  -- Written down before the order goes out: which enrolment, and what its MDM called its system.
  enrolment text,
  before text,
  after text,
  failure text,
  -- Of the MDM's clock: the tablet's last report when the order was taken back. Only a later one counts.
  ended_report_ms bigint,
  ordered_at_ms bigint,
  detail text,
  tries int not null default 0,
  next_at_ms bigint not null
);
create index update_request_open on update_request (next_at_ms) where state <> 'over';
create index update_request_serial on update_request (serial);
-- Of the entry that asked for it; null in rows from before updates.
alter table sanitization_request add column seq bigint;
-- A reason to take a step now. The queue's own rows are locked while an MDM is asked; nobody waits for that. \`told\`: the cart knows of the failure already.
create table update_news (id bigint generated always as identity primary key, request text not null, failure text, told boolean not null default false);
`;
