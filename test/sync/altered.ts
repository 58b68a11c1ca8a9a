import {
  type Listed,
  type ListingPage,
  type Storage,
  StorageError,
  type StorageErrorKind,
} from '../../src/ports/storage.ts';

/** A store that is as it was but for some of its methods; each is given the store to go on with. */
export function alter(storage: Storage, changes: (storage: Storage) => Partial<Storage>): Storage {
  const changed = changes(storage);
  return new Proxy(storage, {
    get(target, name) {
      const from = name in changed ? changed : target;
      const value: unknown = Reflect.get(from, name, from);
      return typeof value === 'function' ? value.bind(from) : value;
    },
  });
}

export function failing(kind: StorageErrorKind, why = 'as the test wants it'): StorageError {
  return new StorageError(kind, { store: 'test' }, why);
}

/** Listing of a store, page by page through `change`; called once more with undefined at its end. */
export function alterListing(
  storage: Storage,
  change: (page: ListingPage | undefined, number: number) => ListingPage | undefined | Promise<ListingPage | undefined>,
): Storage {
  return alter(storage, (inner) => ({
    async *list(prefix, options) {
      let number = 0;
      for await (const page of inner.list(prefix, options)) {
        const changed = await change(page, number++);
        if (changed !== undefined) yield changed;
      }
      const last = await change(undefined, number);
      if (last !== undefined) yield last;
    },
  }));
}

export async function listed(storage: Storage): Promise<Listed[]> {
  const all: Listed[] = [];
  for await (const page of storage.list('')) all.push(...page.objects);
  return all;
}
