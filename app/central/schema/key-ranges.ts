/** To be written. */
export const KEY_RANGES = 'select 1';
