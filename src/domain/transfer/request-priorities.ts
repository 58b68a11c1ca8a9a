/** Order of queued work, 0 first: what must go, then what readers still get from far away, then what makes later reads faster. */
export const REQUEST_PRIORITY = { delete: 0, write: 1, miss: 3 } as const;
