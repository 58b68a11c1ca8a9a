import { countOf } from '../../domain/count-of.ts';
import { HELD_BACK } from '../../domain/transfer/held-back.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Storage } from '../../ports/storage.ts';
import type { OperationIds } from '../operation-ids.ts';
import { refuseDeletes, refusePlaced } from './delete-guard.ts';
import { deleteUnmatched, type Unmatched } from './delete-unmatched.ts';
import type { SyncLeases } from './sync-leases.ts';
import type { SyncListings } from './sync-listings.ts';
import type { SyncPlanner } from './sync-planner.ts';
import type { SyncReplicas } from './sync-replicas.ts';
import type { Tally } from './tally.ts';

export interface SyncDeletesOptions
  extends Pick<SyncReplicas, 'scope' | 'source' | 'options' | 'listeners' | 'signal'> {
  readonly ports: { readonly catalog: Catalog; readonly operationIds: OperationIds };
  readonly targets: readonly Storage[];
  readonly tally: Tally;
  readonly listings: SyncListings;
  readonly planner: SyncPlanner;
  /** Undefined in a dry run: what would be deleted is only told and counted. */
  readonly leases: SyncLeases | undefined;
}

/** The deletes of a run: guarded before the first, then carried out in parts (docs/sync.md, "Guards"). */
export class SyncDeletes {
  readonly #o: SyncDeletesOptions;

  constructor(options: SyncDeletesOptions) {
    this.#o = options;
  }

  /** Returns what the guard says, and then nothing was deleted anywhere. */
  async carryOut(): Promise<string | undefined> {
    const { options, tally, planner, listings } = this.#o;
    if (!options.deleteUnmatched) return undefined;
    const { isSourceEmpty } = listings;
    const grown = await this.#readGrown();
    const refusal = refuseDeletes({ options, tally, isSourceEmpty, counts: planner.unmatchedCounts, grown });
    for (const { target, unmatched, listed } of tally.targets)
      tally.telling.info?.(refusal === undefined ? 'deletes allowed' : 'deletes refused', {
        target: target.title,
        unmatched,
        listed,
      });
    if (refusal !== undefined) return refusal;
    this.#tellKept();
    const placed = await this.#findPlaced();
    if (placed !== undefined) return refusePlaced(placed);
    const inside = planner.inside.refuse();
    if (inside !== undefined) return inside;
    for (;;) {
      const { unmatched, isAll } = planner.takeUnmatched();
      await this.#delete(this.#deletable(unmatched));
      if (isAll) return undefined;
      await listings.merge(unmatched.at(-1)?.key, {
        visit: (object) => {
          const isOurs = options.filter.judge(object.key) === 'included';
          if (object.source === undefined && isOurs) planner.visitUnmatched(object);
        },
        pause: async () => undefined,
      });
    }
  }

  /** Of a part of a target nobody counts. */
  async #readGrown(): Promise<readonly number[]> {
    const { ports, scope, options, targets } = this.#o;
    return options.prefix === ''
      ? ports.catalog.readGrown(
          scope,
          targets.map(({ place }) => place),
        )
      : [];
  }

  #tellKept(): void {
    const { tally } = this.#o;
    for (const [index, { unmatched, target }] of tally.targets.entries()) {
      const { keepsUnmatched: why } = target;
      if (unmatched === 0 || why === undefined) continue;
      const message = `${countOf(unmatched, 'object')} that the source has not stay there: ${why}`;
      tally.fail('', index, { kind: HELD_BACK, message });
    }
  }

  /** A target that is about to lose objects, and holds what rules or uploads have placed: there it looks like leftovers of the mirror. */
  async #findPlaced(): Promise<string | undefined> {
    const { ports, tally, scope } = this.#o;
    for (const { unmatched, target } of tally.targets) {
      if (unmatched === 0 || target.keepsUnmatched !== undefined) continue;
      if (await ports.catalog.holdsPlaced({ place: target.storage.place, scope })) return target.title;
    }
    return undefined;
  }

  /**
   * A target that was given up was not looked at to its end, and no guard counted it: nothing is deleted there. Nor where nothing is to
   * be deleted now; what goes elsewhere is deleted there later, by requests.
   */
  #deletable(unmatched: readonly Unmatched[]): Unmatched[] {
    const { tally, listings } = this.#o;
    return unmatched.flatMap((one) => {
      const at = one.at.filter(({ target }) => !tally.isOut(target) && !this.#keeps(target));
      if (listings.protected.covers(one.key)) {
        for (const { target } of at) tally.target(target).heldBack++;
        return [];
      }
      return one.at.length > 0 && at.length === 0 ? [] : [{ ...one, at }];
    });
  }

  #keeps(index: number): boolean {
    return this.#o.tally.target(index).target.keepsUnmatched !== undefined;
  }

  async #delete(batch: readonly Unmatched[]): Promise<void> {
    const { tally, leases, listings, listeners } = this.#o;
    for (const { key, at } of batch)
      for (const { target } of at)
        listeners.onAction?.({ action: 'delete', key, target: tally.target(target).target.title, bytes: 0 });
    if (leases === undefined) {
      for (const { at } of batch) for (const { target } of at) tally.target(target).deleted++;
      return;
    }
    const args = {
      ...this.#o,
      lease: leases.lease,
      isLost: () => leases.isLost || leases.isOver,
      checkSource: () => listings.checkSourceStays(),
    };
    await deleteUnmatched(this.#o.ports, args, batch);
  }
}
