import type { ObjectName } from '../../domain/object/object-name.ts';
import type { TransferOutcome } from '../../ports/rules.ts';
import type { UploadCatalog, UploadsFinished } from '../../ports/uploads.ts';

export interface Finished {
  /** False: the lease was lost. */
  readonly isSettled: boolean;
  /** Why it could not be attached; undefined: it was, or was not to be. */
  readonly notAttached: string | undefined;
}

/** Outcomes of an upload's files: those that come in while a transaction runs share the next one. */
export class Finishing {
  readonly #catalog: Pick<UploadCatalog, 'finishUploads'>;
  readonly #into: ObjectName | undefined;
  #waiting: { readonly outcome: TransferOutcome; readonly answer: PromiseWithResolvers<Finished> }[] = [];
  #isRunning = false;

  constructor(catalog: Pick<UploadCatalog, 'finishUploads'>, into: ObjectName | undefined) {
    this.#catalog = catalog;
    this.#into = into;
  }

  finish(outcome: TransferOutcome): Promise<Finished> {
    const answer = Promise.withResolvers<Finished>();
    this.#waiting.push({ outcome, answer });
    if (!this.#isRunning) void this.#run();
    return answer.promise;
  }

  /** Never fails: each failure is told to those who wait for it. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        const outcomes = batch.map(({ outcome }) => outcome);
        const finished = await this.#catalog.finishUploads(outcomes, this.#into);
        const notAttached = reasonOf(finished);
        for (const [at, { outcome, answer }] of batch.entries()) {
          const isDone = outcome.request.state === 'DONE';
          answer.resolve({ isSettled: finished.settled[at] === true, notAttached: isDone ? notAttached : undefined });
        }
      } catch (error) {
        for (const { answer } of batch) answer.reject(error);
      }
    }
    this.#isRunning = false;
  }
}

function reasonOf({ attached }: UploadsFinished): string | undefined {
  return attached?.kind === 'refused' ? attached.problems.map(({ message }) => message).join('; ') : undefined;
}
