/** What NanoMDM's webhook told and what it was asked: it keeps neither where its API could be asked for it. */
export const NANOMDM = `
create table nanomdm_event (
  -- SHA-256 of the event as it came, hex: the same event counts once.
  digest text primary key,
  -- NanoMDM's enrolment id of the device channel: the tablet's UDID, the same in all its lives.
  device text not null,
  at_mdm_ms bigint not null,
  -- Of an Authenticate.
  serial text,
  -- The event without any token.
  event jsonb not null
);
create index nanomdm_event_by_device on nanomdm_event (device, at_mdm_ms);
create index nanomdm_event_by_serial on nanomdm_event (serial) where serial is not null;
create table nanomdm_command (
  command text primary key,
  device text not null,
  -- The enrolment that it was meant for.
  enrolment text not null,
  -- 'erase', 'question' or what else NanoMDM was asked to have done.
  kind text not null,
  -- Questions asked together share a round.
  round int,
  question text,
  -- The latest time of NanoMDM's own clock that was known here before the command went out.
  not_before_mdm_ms bigint not null,
  -- This server's clock.
  asked_at_ms bigint not null,
  expires_at_ms bigint,
  pushed_at_ms bigint not null,
  -- NanoMDM has said that it holds it. Written down first and sent after: what was sent is never unknown here.
  taken boolean not null default false
);
create index nanomdm_command_by_device on nanomdm_command (device, asked_at_ms);
`;
