/** Names that could not be looked at: nothing may be concluded from their absence. */
export class ProtectedNames {
  readonly #names = new Set<string>();

  /** A name, or with `/` at its end all names below it and the name before the `/` itself; '' is all. */
  add(protects: string): void {
    this.#names.add(protects);
  }

  covers(key: string): boolean {
    const names = this.#names;
    if (names.size === 0) return false;
    if (names.has('') || names.has(key) || names.has(`${key}/`)) return true;
    for (let end = key.indexOf('/'); end >= 0; end = key.indexOf('/', end + 1))
      if (names.has(key.slice(0, end + 1))) return true;
    return false;
  }
}
