import type { StoreUse } from '../../ports/rules.ts';
import { spaceLimitOf } from '../../domain/store/store-traits.ts';
import type { Stores } from '../stores/store-access.ts';
import type { PlannedObject } from './rule-planner.ts';
import { type MissingReason, type Plan, type PlannedLink, type PlannedStore, REASONS_KEPT } from './plan-types.ts';

interface StoreSums {
  copies: number;
  bytes: number;
  there: number;
  released: number;
  releasedBytes: number;
  passing: number;
  passingBytes: number;
}

interface PlannedCopy {
  readonly to: string;
  readonly way: readonly string[] | undefined;
  readonly bytes: number;
}

type Missed = Pick<PlannedObject, 'missingCopies' | 'missingWhy' | 'rejected'>;

/** Sums of a plan: as many as there are stores, pairs of stores and kinds of reasons, however many objects. */
export class PlanTally {
  objects = 0;
  bytes = 0;
  missingCopies = 0;
  readonly #stores = new Map<string, StoreSums>();
  readonly #links = new Map<string, { from: string | undefined; to: string; copies: number; bytes: number }>();
  readonly #reasons = new Map<string, { objects: number; readonly rejected: MissingReason['rejected'] }>();
  #otherReasons = 0;

  /** Places of stores. `way`: from the source to the destination; undefined: there is none. */
  copy({ to, way, bytes }: PlannedCopy): void {
    const sums = this.at(to);
    sums.copies++;
    sums.bytes += bytes;
    for (const relay of way?.slice(1, -1) ?? []) {
      const passed = this.at(relay);
      passed.passing++;
      passed.passingBytes += bytes;
    }
    if (way === undefined) this.#link(undefined, to, bytes);
    else for (const [hop, from] of way.slice(0, -1).entries()) this.#link(from, way[hop + 1] ?? to, bytes);
  }

  #link(from: string | undefined, to: string, bytes: number): void {
    const key = JSON.stringify([from ?? null, to]);
    const link = this.#links.get(key) ?? { from, to, copies: 0, bytes: 0 };
    this.#links.set(key, link);
    link.copies++;
    link.bytes += bytes;
  }

  at(place: string): StoreSums {
    let sums = this.#stores.get(place);
    if (sums === undefined) {
      sums = { copies: 0, bytes: 0, there: 0, released: 0, releasedBytes: 0, passing: 0, passingBytes: 0 };
      this.#stores.set(place, sums);
    }
    return sums;
  }

  miss({ missingCopies, missingWhy: why = 'there are no more stores', rejected }: Missed): void {
    this.missingCopies += missingCopies;
    const known = this.#reasons.get(why);
    // A sentence may name the object: then each is another one, and those beyond the first are counted.
    if (known !== undefined) known.objects++;
    else if (this.#reasons.size >= REASONS_KEPT) this.#otherReasons++;
    else this.#reasons.set(why, { objects: 1, rejected });
  }

  plan(stores: Stores, use: readonly StoreUse[]): Plan {
    const titleOf = (place: string): string =>
      stores.get(place)?.name ?? use.find(({ store }) => store === place)?.title ?? place;
    const usedOf = new Map(use.map((one) => [one.store, one.completedBytes + one.inFlightBytes]));
    const planned = [...this.#stores].map(([place, sums]): PlannedStore => {
      const usedBytes = usedOf.get(place) ?? 0;
      const traits = stores.get(place)?.traits;
      const limitBytes = traits === undefined ? undefined : spaceLimitOf(traits);
      return { store: titleOf(place), ...sums, usedBytes, afterBytes: usedBytes + sums.bytes, limitBytes };
    });
    const links = [...this.#links.values()].map(
      ({ from, to, ...sums }): PlannedLink => ({
        from: from === undefined ? undefined : titleOf(from),
        to: titleOf(to),
        ...sums,
      }),
    );
    const reasons: MissingReason[] = [...this.#reasons].map(([why, one]) => ({ why, ...one }));
    if (this.#otherReasons > 0) reasons.push({ why: 'other reasons', objects: this.#otherReasons, rejected: [] });
    return {
      objects: this.objects,
      bytes: this.bytes,
      copies: planned.reduce((sum, one) => sum + one.copies, 0),
      copiedBytes: planned.reduce((sum, one) => sum + one.bytes, 0),
      stores: planned.toSorted((a, b) => (a.store < b.store ? -1 : 1)),
      links: links.toSorted((a, b) => b.bytes - a.bytes || b.copies - a.copies),
      missing: { copies: this.missingCopies, reasons: reasons.toSorted((a, b) => b.objects - a.objects) },
    };
  }
}
