import type { NewEvent } from './catalog.ts';

/**
 * Where the engine tells what nobody waits for (a backfill that could not be queued, a replica found corrupt while the catalog
 * was away). Telling never fails and never waits; what must survive goes to the catalog's events instead.
 */
export interface EventSink {
  report(event: NewEvent): void;
}
