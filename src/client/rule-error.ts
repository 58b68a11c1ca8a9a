export type RuleErrorKind = 'not-found' | 'refused';

/** Something about rules, policies, quotas or copies that is not there, or was refused. Nothing was changed. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
  readonly kind: RuleErrorKind;
  /** What to do about it. */
  readonly remedy: string;

  constructor(kind: RuleErrorKind, message: string, remedy: string) {
    super(message);
    this.kind = kind;
    this.remedy = remedy;
  }
}
