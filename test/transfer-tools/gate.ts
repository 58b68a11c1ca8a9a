import type { GetOptions, Got, Storage } from '../../src/ports/storage.ts';

/** Reads of a store stand still behind it while it is shut. */
export class Gate {
  #opened = Promise.resolve();
  #open = (): void => undefined;

  shut(): void {
    this.open();
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
            await this.#opened;
            return inner.get(key, options);
          };
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}
