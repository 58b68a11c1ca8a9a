import type { Storage } from '../ports/storage.ts';

type PutTogether = NonNullable<Storage['putTogether']>;
type Verbs = Omit<Storage, 'name' | 'place' | 'capabilities' | typeof Symbol.asyncDispose>;

/** The same store with some of its verbs changed: how all decorators are made. Disposing it disposes the store below. */
export function overStorage(inner: Storage, changed: Partial<Verbs>): Storage {
  return {
    name: inner.name,
    place: inner.place,
    // What a store knows of itself may grow while it is open.
    get capabilities() {
      return inner.capabilities;
    },
    get: (key, options) => inner.get(key, options),
    head: (key, options) => inner.head(key, options),
    list: (prefix, options) => inner.list(prefix, options),
    delete: (key, options) => inner.delete(key, options),
    stage: (key, body, options) => inner.stage(key, body, options),
    flush: (staged) => inner.flush(staged),
    flushAll: () => inner.flushAll(),
    publish: (requests) => inner.publish(requests),
    ...overPutTogether(inner, (_, put) => put()),
    discard: (staged) => inner.discard(staged),
    freeBytes: async () => inner.freeBytes?.(),
    clean: (options) => inner.clean(options),
    lease: (claim) => inner.lease(claim),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    ...changed,
  };
}

/** The verb where the store below has it, and nothing where it has not. `act` is handed what is to be put, and how the store below does. */
export function overPutTogether(
  inner: Storage,
  act: (objects: Parameters<PutTogether>[0], put: () => ReturnType<PutTogether>) => ReturnType<PutTogether>,
): Pick<Storage, 'putTogether'> {
  const putTogether = inner.putTogether?.bind(inner);
  return putTogether === undefined ? {} : { putTogether: (objects) => act(objects, () => putTogether(objects)) };
}
