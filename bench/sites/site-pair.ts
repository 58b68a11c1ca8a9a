import type { Address } from './put-connection.ts';

/** Two sites of one kind: what is written at A is to come to B. */
export interface SitePair extends AsyncDisposable {
  readonly name: string;
  readonly durable: string;
  readonly a: Address;
  /** Between two looks at whether an object is at B, in milliseconds: as often as it can be asked without hindering it. */
  readonly lookMs: number;
  /** The head of a request at A, up to its blank line. */
  head(method: 'PUT' | 'DELETE', key: string, size: number): string;
  /** Keys at B in order, those after one; a page. Undefined while B does not answer. */
  listAtB(after: string): Promise<readonly string[] | undefined>;
  isAtB(key: string): Promise<boolean>;
  /** `kill -9`. */
  killB(): Promise<void>;
  /** Returns at once: how long it takes until B does its work is measured. */
  restartB(): void;
}
