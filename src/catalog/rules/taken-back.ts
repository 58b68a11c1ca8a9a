import { CatalogError } from '../../ports/catalog.ts';

/** Thrown inside a transaction to take it back as a whole and answer with this outcome: no failure of the catalog. */
export class TakenBack<Outcome> extends CatalogError {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super('failed', 'the transaction was taken back');
    this.outcome = outcome;
  }
}

/** The verb's answer, or the outcome for which it was taken back. */
export async function answerTakenBack<Outcome>(call: Promise<Outcome>): Promise<Outcome> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TakenBack) return error.outcome as Outcome;
    throw error;
  }
}
