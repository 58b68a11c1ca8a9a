import type { Random } from '../../src/ports/random.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { FaultyStorage } from '../../src/testing/faulty-storage.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';

/** What the tests of decorators stand on: a virtual clock and a store that fails as it is told. */
export function simulatedStore(): { clock: SimulatedClock; store: FaultyStorage } {
  const clock = new SimulatedClock();
  return { clock, store: new FaultyStorage(openMemoryStorage({ name: 'memory', clock })) };
}

/** Always in the middle. */
export const evenRandom: Random = { bytes: (count) => new Uint8Array(count), fraction: () => 0.5 };

export async function put(storage: Storage, key: string, bytes: Uint8Array): Promise<void> {
  const staged = await storage.stage(key, bytes, { attributes: {}, mark: { operation: 'o', sha256: undefined } });
  await storage.flush([staged]);
  const [outcome] = await storage.publish([{ staged, options: {} }]);
  if (outcome instanceof Error) throw outcome;
}

export async function* chunksOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

export async function collect(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

export const UNKNOWN = { attributes: {}, mark: { operation: 'o', sha256: undefined } } as const;
