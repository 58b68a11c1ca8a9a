/**
 * What a store can do, declared by its adapter. Differences between stores are decided on these fields and nowhere on a
 * store's type (docs/stores.md, "Capabilities").
 */
export interface StoreCapabilities {
  /** Listings come in the order of the keys' UTF-8 bytes; otherwise the engine sorts them externally first. */
  readonly sortedListing: boolean;
  /** `ifAbsent` and `ifToken` of a publish are enforced by the store itself (`none`: looked up just before). */
  readonly conditionalPut: 'enforced' | 'create-only' | 'none';
  /** The store checks or returns a digest of what it was given, so a copy is `store`-verified without a second read. */
  readonly checksPut: boolean;
  /** Staged bytes are kept in memory until published: publish each as soon as it is staged. */
  readonly stagesInMemory: boolean;
  /** Smallest difference between two modification times in its listings, in nanoseconds; 0n: listings do not tell them. */
  readonly mtimeResolutionNs: bigint;
  /** Names lie in directories: no object lies below another one. */
  readonly directories: boolean;
  /** Content type and user metadata are kept. */
  readonly keepsMetadata: boolean;
  /** True for a store that is not flushed: its replicas are soft, they serve and do not count (docs/versions.md, "Soft copies"). */
  readonly soft: boolean;
}
