/**
 * Directories whose entries changed and were not flushed yet. They stay until a flush of them has passed: whoever comes while they
 * are being flushed, or after that failed, flushes them too before anything in them is called durable.
 */
export class Unflushed {
  readonly #changes = new Map<string, number>();
  #count = 0;

  note(directory: string): void {
    this.#changes.set(directory, ++this.#count);
  }

  /** Each with its last change. */
  pending(): ReadonlyMap<string, number> {
    return new Map(this.#changes);
  }

  /** What was pending is durable; what changed since is not. */
  flushed(pending: ReadonlyMap<string, number>): void {
    for (const [directory, change] of pending)
      if (this.#changes.get(directory) === change) this.#changes.delete(directory);
  }

  /** Nobody waits for a flush. */
  forget(): void {
    this.#changes.clear();
  }
}
