import type { CollectionKind } from '../../domain/collection/collection.ts';

/** Kinds as they are stored. */
export const DATASET = 1;
const CONTAINER = 2;

export function kindCode(kind: CollectionKind): number {
  return kind === 'dataset' ? DATASET : CONTAINER;
}

export function kindName(code: number): CollectionKind {
  return code === DATASET ? 'dataset' : 'container';
}
