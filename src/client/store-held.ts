import type { StoreHeld } from '../ports/store-places.ts';

export function describeHeld(name: string, { by, sinceMs }: StoreHeld): string {
  const who = by === 'sync' ? `a sync of ${name}, or from or to its place, runs` : `a worker has ${name} in hand`;
  return `${who} since ${new Date(sinceMs).toISOString()}`;
}
