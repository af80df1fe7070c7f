/** Morning sheets are entries of the ledgers and have no table: this finds the nights of a ledger, newest first, however long it is. */
export const MORNING = `
create index entry_of_night on entry (origin, type, seq desc) where type in ('night-ended', 'need-threatened');
`;
