import type { EngineDdl } from '../engine.ts';

/** What a run was for: those from before were told as syncs. */
export function syncPurposes({ text }: EngineDdl): readonly string[] {
  return [`alter table sync add column purpose ${text} not null default 'sync'`];
}
