/** Every hash that tiles of level 1 and above hold: a tile, and so a proof, costs the same whatever the length of the history. */
export const SUBTREES = `
-- Root over the 256^level entries from index * 256^level on. Written with the entry that completes it; of ledgers that are older
-- than this table, when somebody first asks.
create table subtree (
  origin text not null,
  level smallint not null check (level between 1 and 6),
  index bigint not null,
  hash bytea not null check (length(hash) = 32),
  primary key (origin, level, index)
);
-- Who holds a leaf and not its place (a certificate's QR code) finds the entry without reading the ledger.
create index entry_by_leaf on entry using hash (leaf);
`;
