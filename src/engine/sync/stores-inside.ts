import { countOf } from '../../domain/count-of.ts';
import { escapeKey } from '../../domain/object/key.ts';
import { type NestedStore, storeAt } from '../../domain/store/nested-stores.ts';
import type { KnownObject } from './known-cursor.ts';
import type { SyncTarget } from './sync-types.ts';
import type { Unmatched } from './delete-unmatched.ts';

interface Found {
  readonly inside: NestedStore;
  readonly target: SyncTarget;
  /** The first of them. */
  readonly key: string;
  count: number;
}

/** Of what a sync would delete, the files of other stores that lie inside a target (docs/sync.md, "Guards"). */
export class StoresInside {
  readonly #targets: readonly SyncTarget[];
  #found: Found | undefined;

  constructor(targets: readonly SyncTarget[]) {
    this.#targets = targets;
  }

  /** What the scope itself has brought there is its own, whoever else calls it a source: chains are meant. */
  note(key: string, at: Unmatched['at'], known: KnownObject | undefined): void {
    for (const { target: index, token } of at) {
      const target = this.#targets[index] as SyncTarget;
      if (target.keepsUnmatched !== undefined) continue;
      const inside = storeAt(target.inside ?? [], key);
      if (inside === undefined) continue;
      const own = known?.replica(index + 1);
      if (own?.token === token && own.state !== 'UNVERIFIED') continue;
      this.#found ??= { inside, target, key, count: 0 };
      this.#found.count++;
    }
  }

  /** Why nothing is to be deleted. */
  refuse(): string | undefined {
    if (this.#found === undefined) return undefined;
    const { inside, target, key, count } = this.#found;
    return `the store ${inside.name} lies in ${target.title}, and a sync takes its files for leftovers (${countOf(count, 'file')}, such as ${escapeKey(key)}); nothing was deleted. Give it a place of its own, leave it out with --exclude, or sync without --delete-unmatched-files`;
  }
}
