import { escapeKey } from '../../domain/object/key.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import { headOrMissing } from '../observe-object.ts';
import type { MergedObject } from './merge-listings.ts';
import type { Tally } from './tally.ts';

export interface NameClashesOptions {
  readonly targets: readonly Storage[];
  readonly tally: Tally;
  /** Whether what lies under this name at targets is to go before the second attempts. */
  readonly isGoing: (object: MergedObject) => boolean;
}

/** A name of a target in the listings that were joined: something lies there, or is to be written there. */
interface NameAt {
  readonly key: string;
  readonly size: number;
  readonly isThere: boolean;
  readonly isGoing: boolean;
  clash: Clash | undefined;
}

/** What cannot be written where the target holds something else; `stays`: what is in the way is not even to be deleted. */
interface Clash {
  readonly key: string;
  readonly size: number;
  readonly target: number;
  /** Where a directory must be; undefined: a directory lies where the object must be. */
  readonly file: string | undefined;
  stays: boolean;
}

/** As many as a run tries a second time, after its deletes. */
const CLASHES_MAX = 10_000;

/**
 * What a dry run foresees where names lie in directories: an object cannot lie below another one. Two such names are neighbours but
 * for names that begin with the shorter one, so only those that the name at hand begins with are kept.
 */
export class NameClashes {
  readonly #o: NameClashesOptions;
  readonly #open: readonly (NameAt[] | undefined)[];
  readonly #clashes: Clash[] = [];

  constructor(options: NameClashesOptions) {
    this.#o = options;
    this.#open = options.targets.map(({ capabilities }) => (capabilities.directories ? [] : undefined));
  }

  /** In the order of names; `added`: targets that have nothing there and to which it is to be copied. */
  note(object: MergedObject, added: ReadonlySet<number>): void {
    for (const [target, open] of this.#open.entries()) {
      if (open === undefined) continue;
      const { key, source } = object;
      while (open.length > 0 && !key.startsWith((open.at(-1) as NameAt).key)) open.pop();
      const isThere = object.targets[target] !== undefined;
      if (!isThere && !added.has(target)) continue;
      const name: NameAt = {
        key,
        size: source?.size ?? 0,
        isThere,
        isGoing: isThere && this.#o.isGoing(object),
        clash: undefined,
      };
      for (const above of open) if (key.startsWith(`${above.key}/`)) this.#compare(target, above, name);
      open.push(name);
    }
  }

  #compare(target: number, above: NameAt, below: NameAt): void {
    if (!below.isThere) this.#note(target, below, { file: above.key, isGoing: above.isGoing });
    else if (!above.isThere) this.#note(target, above, { file: undefined, isGoing: below.isGoing });
  }

  #note(
    target: number,
    name: NameAt,
    inTheWay: { readonly file: string | undefined; readonly isGoing: boolean },
  ): void {
    if (name.clash !== undefined) {
      name.clash.stays ||= !inTheWay.isGoing;
      return;
    }
    const { key, size } = name;
    name.clash = { key, size, target, file: inTheWay.file, stays: !inTheWay.isGoing };
    if (this.#clashes.length < CLASHES_MAX) this.#clashes.push(name.clash);
    else this.#fail(name.clash, false);
  }

  /** Counts as failed what would fail; `areDeleted`: what is to go goes before. */
  async settle(areDeleted: boolean): Promise<void> {
    for (const clash of this.#clashes) {
      if (areDeleted && !clash.stays) continue;
      this.#fail(clash, clash.file !== undefined && (await this.#isLink(clash.target, clash.file)));
    }
  }

  async #isLink(target: number, key: string): Promise<boolean> {
    const storage = this.#o.targets[target] as Storage;
    try {
      return (await headOrMissing(() => storage.head(key)))?.attributes.link !== undefined;
    } catch (error) {
      if (error instanceof StorageError) return false;
      throw error;
    }
  }

  #fail({ key, size, target, file }: Clash, isLink: boolean): void {
    const { targets, tally } = this.#o;
    const counts = tally.target(target);
    counts.added--;
    counts.bytes -= size;
    const inTheWay = isLink ? 'a symbolic link to a directory is on the way' : 'a file lies where a directory must be';
    const why = file === undefined ? 'a directory lies where the file must be' : `${inTheWay}: ${escapeKey(file)}`;
    tally.fail(key, target, new StorageError('blocked', { store: (targets[target] as Storage).name, key }, why));
  }
}
