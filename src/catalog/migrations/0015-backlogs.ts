import type { EngineDdl } from '../engine.ts';

/** Peers whose queue was given up for a comparison, how often, and since when a peer is not to be had. */
export function peerBacklogs({ int }: EngineDdl): readonly string[] {
  return [
    `alter table peer add column marks ${int} not null default 0`,
    `alter table peer add column marked_ms ${int}`,
    `alter table peer add column given_up ${int} not null default 0`,
    `alter table peer add column parked_ms ${int}`,
    `alter table peer add column alarmed ${int} not null default 0`,
  ];
}
