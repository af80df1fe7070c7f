/** To be written. */
export const REKEYING = 'select 1';
