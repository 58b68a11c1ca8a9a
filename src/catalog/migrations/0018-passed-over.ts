import type { EngineDdl } from '../engine.ts';

/** Since when a peer was not told of what somebody else was to tell it: should he never, a comparison finds it. Null: of nothing. */
export function passedOver({ int }: EngineDdl): readonly string[] {
  return [`alter table peer add column passed_over_ms ${int}`];
}
