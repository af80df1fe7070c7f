/** The MDMs that administrators set on the fleet page, and every change of them. Those that a file names are not here. */
export const MDM_SETTINGS = `
create table mdm_setting (
  kind text primary key check (kind in ('amapi', 'nanomdm')),
  -- Contract mdmSettings: nothing secret.
  settings jsonb not null,
  -- Its secrets as a compact JWE under the sealing key, which keys.json alone holds.
  sealed text not null,
  set_at_ms bigint not null,
  set_by text not null,
  credential_since_ms bigint not null
);
create table mdm_change (
  id bigint generated always as identity primary key,
  kind text not null,
  act text not null check (act in ('added', 'changed', 'removed')),
  -- It brought a new credential.
  credential boolean not null,
  settings jsonb not null,
  at_ms bigint not null,
  by text not null
);
`;
