import type { Row } from './rows.ts';

/** A small change that puts a known defect back, and the tests that notice it. */
export interface Trap {
  /** What would be wrong, in one sentence. */
  readonly name: string;
  /** What it belongs to: a promise, a rule of the configuration, an observation … */
  readonly row: Row;
  readonly file: string;
  /** Text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
  /** A part of the names of those tests in the files that notice it: the others are not run. */
  readonly only?: string;
}
