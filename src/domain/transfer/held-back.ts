/** Kind of a failure that is none of the store's: it is not to be asked for that now, as somebody said (`pando store set`). */
export const HELD_BACK = 'held-back';
