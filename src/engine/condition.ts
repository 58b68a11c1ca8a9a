import type { ObjectRecord } from '../ports/catalog.ts';

/** Why something is not done to an object that is so now; undefined: it may be done. */
export type Condition = (now: ObjectRecord | undefined) => string | undefined;
