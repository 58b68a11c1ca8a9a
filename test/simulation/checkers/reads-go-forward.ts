import { type Checker, forgetSite, hadSeen, type Seen, type VersionFact } from '../facts.ts';

/** I3 and I4: bytes are those of the version, and no reader is given something older than what this site had shown before he asked. */
export class ReadsGoForward implements Checker {
  readonly #shown = new Map<string, VersionFact[]>();
  readonly #asked = new Map<number, readonly VersionFact[]>();

  see(seen: Seen): string | undefined {
    switch (seen.kind) {
      case 'forgot':
        forgetSite(seen.site, this.#shown);
        return undefined;
      case 'had':
      case 'versions':
      case 'considered':
      case 'refused':
        return undefined;
      case 'acknowledged':
        this.#show(seen.site, seen.object, seen.versions);
        return undefined;
      case 'read-began':
        this.#asked.set(seen.reader, [...(this.#shown.get(`${seen.site} ${seen.object}`) ?? [])]);
        return undefined;
      case 'read':
        return this.#judge(seen);
    }
  }

  #show(site: string, object: string, versions: readonly VersionFact[]): void {
    const at = `${site} ${object}`;
    this.#shown.set(at, [...(this.#shown.get(at) ?? []), ...versions]);
  }

  #judge({ site, object, reader, version, sha256 }: Extract<Seen, { kind: 'read' }>): string | undefined {
    const before = this.#asked.get(reader) ?? [];
    this.#asked.delete(reader);
    if (version === undefined)
      return before[0] && `${site} says it never heard of ${object}, and had shown ${before[0].id} before`;
    const newer = before.find((one) => hadSeen(one, version));
    if (newer !== undefined)
      return `${site} shows ${version.id} of ${object}, and had shown ${newer.id} before, which follows it`;
    if (!version.isTombstone && sha256 !== version.sha256)
      return `${site} gives bytes with the hash ${sha256 ?? 'of nothing'} for ${version.id} of ${object}, whose hash is ${version.sha256}`;
    this.#show(site, object, [version]);
    return undefined;
  }
}
