/**
 * Why an operation's id is not taken (docs/versions.md, "Operations").
 *
 * - `malformed`: it is no UUIDv7. `expired`: what it did is not known any more. `used`: it stands for something else.
 */
export class OperationError extends Error {
  override readonly name = 'OperationError';
  readonly kind: 'malformed' | 'expired' | 'used';

  constructor(kind: OperationError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}
