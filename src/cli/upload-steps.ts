import { escapeKey } from '../domain/object/key.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import type { UploadedFile, UploadStep } from '../engine/uploads/upload-types.ts';
import type { Log } from './log.ts';

/** Tells each step of an upload as it happens (docs/uploads.md, "Step by step"), for whoever asked to be told. */
export class UploadSteps {
  readonly #log: Log;
  /** Chosen once, for all files. */
  #store = '';
  #paths = '';

  constructor(log: Log) {
    this.#log = log;
  }

  tell(step: UploadStep): void {
    switch (step.kind) {
      case 'dataset-registered':
        return this.#info(step.isNew ? 'the dataset is registered' : 'the dataset is there already', {
          dataset: nameOf(step.dataset),
        });
      case 'store-chosen':
        this.#store = step.store;
        this.#paths = step.algorithm;
        return this.#info('a store is chosen', {
          store: step.store,
          why: step.why,
          protocols: step.protocols.join(','),
          paths: step.algorithm,
          deterministic: step.isDeterministic,
        });
      case 'hashed':
        return this.#log('debug', 'a file is hashed', { file: step.label, sha256: step.sha256 });
      case 'registered':
        return this.#info(step.isResumed ? 'the replica is COPYING once more' : 'the replica is COPYING', {
          object: nameOf(step.object),
          store: this.#store,
        });
      case 'sending':
        return this.#info('the bytes go', {
          object: nameOf(step.object),
          protocol: step.protocol,
          url: step.url,
          paths: this.#paths,
        });
      case 'sent-bytes':
        return undefined;
      case 'protocol-failed':
        return this.#info('a protocol failed', {
          file: step.label,
          protocol: step.protocol,
          why: step.why,
        });
      case 'ended':
        return this.#tellEnd(step.file);
    }
  }

  #tellEnd(file: UploadedFile): void {
    const { state, protocol, label, why } = file;
    const object = nameOf(file);
    // What failed or was interrupted is told in the end, whoever listens.
    if (state === 'uploaded') this.#info('the replica is AVAILABLE', { object, store: this.#store, protocol });
    else if (state === 'present') this.#info('the bytes are there already', { object, store: this.#store });
    else this.#info(`a file is ${state === 'failed' ? 'not uploaded' : 'interrupted'}`, { file: label, why });
  }

  #info(message: string, facts: Readonly<Record<string, unknown>>): void {
    this.#log('info', message, facts);
  }
}

function nameOf(object: ObjectName): string {
  return escapeKey(formatObjectName(object));
}
