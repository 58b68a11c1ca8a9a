import type { StoreHeld } from '../ports/store-places.ts';

const WHO: Readonly<Record<StoreHeld['by'], (name: string) => string>> = {
  sync: (name) => `a sync of ${name}, or from or to its place, runs`,
  worker: (name) => `a worker has ${name} in hand`,
  write: (name) => `somebody writes at ${name}`,
};

export function describeHeld(name: string, { by, sinceMs }: StoreHeld): string {
  return `${WHO[by](name)} since ${new Date(sinceMs).toISOString()}`;
}
