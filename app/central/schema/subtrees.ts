/** To be written. */
export const SUBTREES = 'select 1';
