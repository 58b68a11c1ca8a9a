/** Calls `save` with the latest value only, one call at a time; values that came meanwhile are skipped. */
export class LatestSave {
  readonly #save: (value: string) => Promise<void>;
  #next: string | undefined;
  #saving: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(save: (value: string) => Promise<void>) {
    this.#save = save;
  }

  set(value: string): void {
    this.#next = value;
    this.#saving ??= this.#run();
  }

  /** All values are saved, or skipped for later ones; throws what a save threw. */
  async settled(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #run(): Promise<void> {
    try {
      while (this.#next !== undefined) {
        const value = this.#next;
        this.#next = undefined;
        await this.#save(value);
      }
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#saving = undefined;
    }
  }
}
