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
