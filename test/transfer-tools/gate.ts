import type { GetOptions, Got, Storage } from '../../src/ports/storage.ts';

/** Reads of a store stand still behind it while it is shut. */
export class Gate {
  #opened = Promise.resolve();
  #open = (): void => undefined;
  #reached = Promise.withResolvers<void>();

  /** A read stands before it, or has since it was shut. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  shut(): void {
    this.open();
    this.#reached = Promise.withResolvers<void>();
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }

  /** The store, with its reads behind the gate. */
  before(inner: Storage): Storage {
    return new Proxy(inner, {
      get: (target, name) => {
        if (name === 'get')
          return async (key: string, options?: GetOptions): Promise<Got> => {
            this.#reached.resolve();
            await this.#opened;
            return inner.get(key, options);
          };
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}
