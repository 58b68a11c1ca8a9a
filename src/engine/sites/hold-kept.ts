import { discardKept } from './discard-kept.ts';
import { versionPlace } from './version-place.ts';

/**
 * Held by whoever keeps bytes of these operations until it is known what became of them. Several may bring the same at once: then the first
 * that does not need them discards nothing that another is about to record, and the last discards what nobody has.
 */
export function holdKept(ports: Parameters<typeof discardKept>[0], operations: readonly string[]): AsyncDisposable {
  const { store } = ports;
  // One write that was asked for at two sites may come twice in a batch.
  const places = [...new Set(operations.map(versionPlace))];
  store.hold(places);
  return {
    async [Symbol.asyncDispose]() {
      // Others may leave more meanwhile. What cannot be discarded is nobody's, and is found by an audit.
      for (let left = store.takeLeft(places); left.length > 0; left = store.takeLeft(places))
        await discardKept(ports, left).catch(() => undefined);
      store.release(places);
    },
  };
}
