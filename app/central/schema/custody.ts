/** To be written. */
export const CUSTODY = 'select 1';
