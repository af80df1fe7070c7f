/** Each use of a machine's credential by this server (R6.3), counted by day, so that the table grows with days and not with requests. */
export const CREDENTIAL_USE = `
create table credential_use (
  name text not null,
  purpose text not null,
  -- 'accepted', or why it was not.
  outcome text not null,
  -- Unix milliseconds of midnight, UTC.
  day_ms bigint not null,
  uses bigint not null,
  first_at_ms bigint not null,
  last_at_ms bigint not null,
  primary key (name, purpose, outcome, day_ms)
);
`;
