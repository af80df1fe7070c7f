/** Certificates of sanitization are entries of the ledgers and have no table: these find them, and what stands before them. */
export const CERTIFICATES = `
create index entry_sanitized on entry (at_ms desc, origin desc, seq desc) where type = 'sanitized';
create index entry_in_force on entry (origin, type, seq) where type in ('station-started', 'bundle-accepted');
`;
