import type { Catalog } from '../../src/ports/catalog.ts';

/** A catalog, and its database as it is seen from outside. */
export interface OpenedForRules extends AsyncDisposable {
  readonly catalog: Catalog;
  query(text: string): Promise<readonly unknown[][]>;
  /** By the database's clock. */
  nowMs(): Promise<number>;
  /** Time passes before the next call. */
  pass(): Promise<void>;
}
