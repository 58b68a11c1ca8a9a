import type { EngineDdl } from '../engine.ts';

/** What was said of an object's copies, as it was said: also that it is to have none (docs/policies.md, "Policies of objects"). */
export function objectPolicies({ text }: EngineDdl): readonly string[] {
  return [`alter table object_trait add column policy ${text}`];
}
