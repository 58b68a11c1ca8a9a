import type { GroupRest } from '../../domain/placement/placement-facts.ts';
import { claimReplica } from '../../domain/rule/claim-replica.ts';
import type { PlacedObject, RuleObject } from '../../ports/rules.ts';
import type { Stores } from '../stores/store-access.ts';

/** Bytes of a group and where they are, kept up to date as its pages are placed. */
export class GroupSums {
  readonly #bytes: number;
  readonly #stores: Stores;
  readonly #held = new Map<string, number>();
  readonly #locked = new Map<string, number>();

  constructor({ bytes, stores }: GroupRest, known: Stores) {
    this.#bytes = bytes;
    this.#stores = known;
    for (const { store, heldBytes, lockedBytes } of stores) {
      this.#held.set(store, heldBytes);
      this.#locked.set(store, lockedBytes);
    }
  }

  /** The sums over all objects but these, whose facts are told one by one. Stores by their names. */
  without(objects: readonly RuleObject[]): GroupRest {
    const held = new Map(this.#held);
    const locked = new Map(this.#locked);
    let bytes = this.#bytes;
    for (const object of objects) {
      bytes -= object.bytes;
      for (const { store, state } of object.replicas) if (!claimReplica(state).request) add(held, store, -object.bytes);
      for (const { store } of object.locks) add(locked, store, -object.bytes);
    }
    const places = new Set([...held.keys(), ...locked.keys()]);
    const stores = [...places].map((place) => ({
      store: this.#stores.get(place)?.name ?? place,
      heldBytes: Math.max(0, held.get(place) ?? 0),
      lockedBytes: Math.max(0, locked.get(place) ?? 0),
    }));
    return { bytes: Math.max(0, bytes), stores };
  }

  /** A page was placed: its copies are there, or on their way. */
  add(objects: readonly RuleObject[], placed: readonly PlacedObject[]): void {
    const sizes = new Map(objects.map(({ id, bytes }) => [id, bytes]));
    const facts = new Map(objects.map((object) => [object.id, object]));
    for (const { id, locks, releases } of placed) {
      const bytes = sizes.get(id) ?? 0;
      for (const { store } of locks) {
        add(this.#locked, store, bytes);
        const state = facts.get(id)?.replicas.find((one) => one.store === store)?.state;
        if (claimReplica(state).request) add(this.#held, store, bytes);
      }
      for (const { store } of releases) add(this.#locked, store, -bytes);
    }
  }
}

function add(sums: Map<string, number>, store: string, bytes: number): void {
  sums.set(store, (sums.get(store) ?? 0) + bytes);
}
