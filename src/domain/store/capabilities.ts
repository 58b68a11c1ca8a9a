/**
 * What a store can do, declared by its adapter. Differences between stores are decided on these fields and nowhere on a
 * store's type (docs/stores.md, "Capabilities").
 */
export interface StoreCapabilities {
  /** Listings come in the order of the keys' UTF-8 bytes; otherwise the engine sorts them externally first. */
  readonly sortedListing: boolean;
  /** `publish` replaces what lies at the key at once: no reader sees neither or half. */
  readonly atomicReplace: boolean;
  /** `ifAbsent` and `ifToken` of a publish are enforced by the store itself (`none`: looked up just before). */
  readonly conditionalPut: 'enforced' | 'create-only' | 'none';
  /** `ifToken` of a delete is enforced by the store itself. */
  readonly conditionalDelete: boolean;
  /** The bytes of a replaced version can be kept aside (rename, link, or bucket versions). */
  readonly retains: boolean;
  /** The store checks or returns a digest of what it was given, so a copy is `store`-verified without a second read. */
  readonly checksPut: boolean;
  /** `flush` makes many staged objects durable at once, and waiting until there are many pays. */
  readonly batchFlush: boolean;
  /** Staged bytes are kept in memory until published: publish each as soon as it is staged. */
  readonly stagesInMemory: boolean;
  /** Smallest difference between two modification times in its listings, in nanoseconds; 0n: listings do not tell them. */
  readonly mtimeResolutionNs: bigint;
  /** Content type and user metadata are kept. */
  readonly keepsMetadata: boolean;
  /** False for a store that loses its bytes with the process: its replicas are never good copies. */
  readonly durable: boolean;
  /** True for a store that is not flushed: its replicas are soft, they serve and do not count (docs/versions.md, "Soft copies"). */
  readonly soft: boolean;
  /** Multipart uploads: parts between these sizes in bytes, at most so many; undefined where there are none. */
  readonly parts: { readonly bytesMin: number; readonly bytesMax: number; readonly countMax: number } | undefined;
}
