import type { AuditFinding } from '../../ports/audits.ts';
import type { StoreAccess } from '../stores/store-access.ts';

/** The scope whose new object an unknown file is, because at a source what is there, *is*; undefined: nobody asked for it there. */
export function scopeOfUnknown({ name, sourceOf }: StoreAccess): string | undefined {
  return sourceOf.includes(name) ? name : sourceOf[0];
}

export function kindOfUnknown(access: StoreAccess): 'new' | 'dark' {
  return scopeOfUnknown(access) === undefined ? 'dark' : 'new';
}

export function describeUnknown(access: StoreAccess): string {
  const scope = scopeOfUnknown(access);
  return scope === undefined ? 'the catalog knows nothing of it' : `an object of ${scope} that was not looked at yet`;
}

/** What was written again at the source of its scope is no wrong copy: it is what the object is now, and the catalog has to learn it. */
export function isNewVersion({ sourceOf }: StoreAccess, { kind, object }: AuditFinding): boolean {
  return kind === 'stale' && object !== undefined && sourceOf.includes(object.scope);
}
