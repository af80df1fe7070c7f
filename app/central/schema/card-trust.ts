/** Whose PIV cards stations believe, and which of them no longer (contract `cardTrust`). */
export const CARD_TRUST = `
alter table tenant add column cards jsonb not null default '{"authorities": [], "revoked": []}';
`;
