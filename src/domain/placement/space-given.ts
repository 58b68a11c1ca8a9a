/** What a placement has given out so far, so that the copies of one page fit together and not only each by itself. */
export class SpaceGiven {
  readonly #stores = new Map<string, { copyBytes: number; lockBytes: number }>();

  /** Bytes to be copied to the store. */
  copyBytes(store: string): number {
    return this.#stores.get(store)?.copyBytes ?? 0;
  }

  /** Bytes to be claimed there, copied or not: they count for quotas. */
  lockBytes(store: string): number {
    return this.#stores.get(store)?.lockBytes ?? 0;
  }

  give(store: string, { copyBytes, lockBytes }: { readonly copyBytes: number; readonly lockBytes: number }): void {
    const given = this.#stores.get(store) ?? { copyBytes: 0, lockBytes: 0 };
    this.#stores.set(store, { copyBytes: given.copyBytes + copyBytes, lockBytes: given.lockBytes + lockBytes });
  }
}
