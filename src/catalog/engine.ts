import type { Session } from './session.ts';

/** Types of the columns the catalog uses; every number is a safe integer, except `modified_ns`, which only SQL and text see. */
export type ColumnType = 'int' | 'text' | 'bytes';

/**
 * What differs between SQLite and PostgreSQL. Everything the verbs need to know of an engine is declared here; no verb asks
 * which engine it runs on.
 */
export interface Engine {
  readonly ddl: EngineDdl;
  /** A set of rows as a FROM item named `r`, its columns bound as parameters in the order given. */
  rows(columns: Readonly<Record<string, ColumnType>>): string;
  /** SQL expression: the database's clock in whole milliseconds since 1970. Leases know no other time. */
  readonly nowMs: string;
  /** SQL expression: bytes as lower-case hex. */
  hex(bytes: string): string;
  /** SQL expression: the texts of a group joined by NUL, in the order of its rows; undefined where no text can hold one. */
  readonly joinedByNul: ((text: string) => string) | undefined;
  /** Suffix that locks the rows a decision stands on; empty where writers are serialised anyway. */
  readonly forUpdate: string;
  /** Suffix that lets others read the rows for their decisions, and nobody change them. */
  readonly forShare: string;
  /** As `forUpdate`, leaving out rows that somebody else has locked. */
  readonly skipLocked: string;
  /** SQL expressions: locks under this number, held until the transaction ends. */
  sharedLock(key: string): string;
  exclusiveLock(key: string): string;
  /** Condition: the column has a value of this query, each of them looked up by an index. */
  isAnyOf(column: string, query: string): string;
  /** Several processes write at one moment: each needs a slot of its own, and a name can be taken while we look. */
  readonly concurrentWriters: boolean;
  /** So many waiting `record` calls are carried out as one set of rows. */
  readonly recordsMerged: number;
  /** New ids, ascending; of two writers of one object the later one gets the higher id. */
  takeIds(session: Session, count: number): Promise<number[]>;
}

/** Names and clauses of the data definition language. */
export interface EngineDdl {
  readonly int: string;
  /** Text whose order is the order of its UTF-8 bytes. */
  readonly text: string;
  readonly bytes: string;
  /** Primary key given by the catalog. */
  readonly id: string;
  /** Primary key given by the database, never used again after its row went. */
  readonly autoId: string;
  /** Table options: rows found by a primary key of their own. */
  readonly table: string;
  /** Table options: rows stored in the order of their primary key. */
  readonly clustered: string;
  /** Statements that make the source of `takeIds`. */
  readonly idSequence: readonly string[];
}
