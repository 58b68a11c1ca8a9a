import type { ObjectName } from '../../object/object-name.ts';

/**
 * Where an object's bytes lie in a store (docs/names-and-expressions.md, "Paths"). Pure: the same names have the same path for
 * ever. A path is a key of the store: it begins without `/` and is joined to the store's prefix with one.
 */
export interface PathAlgorithm {
  /** What `paths.algorithm` of a store says. */
  readonly name: string;
  /**
   * The object's name alone decides, so the path can be computed again at any time and need not be kept. Otherwise it is
   * recorded with the replica.
   */
  readonly deterministic: boolean;
  /** `dataset`: the one on whose behalf the object comes to the store, where there is one. */
  pathOf(object: ObjectName, dataset?: ObjectName): PathOutcome;
}

/** `refused`: why there is none, and how to get one. */
export type PathOutcome = { readonly path: string } | { readonly refused: string };

/** The md5 of a text's UTF-8, in lower-case hex. */
export type Md5Hex = (text: string) => string;
