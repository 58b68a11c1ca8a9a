import type { Pando } from '../compose.ts';
import { findStore, type ListedStore, listStores } from './list-stores.ts';
import { type LoseOptions, loseStore, planLostPlace, type StoreLossPlan, type StoreLost } from './lose-store.ts';
import { moveStore, type StoreMoved } from './move-store.ts';
import { readStoreUse, type SaidAvailability, setStore, type StoreKnown, type StoreSet } from './store-use.ts';

/** The stores that rules may name (docs/stores.md). A name that is none fails with a `ConfigurationError`. */
export class Stores {
  readonly #pando: Pando;

  constructor(pando: Pando) {
    this.#pando = pando;
  }

  /** All, or those an expression means. */
  list(expression?: string): readonly ListedStore[] {
    const found = listStores(this.#pando.configuration, expression);
    return found.kind === 'empty' ? [] : found.stores;
  }

  async show(name: string): Promise<ListedStore & StoreKnown> {
    return { ...findStore(this.#pando.configuration, name), ...(await readStoreUse(this.#pando, name)) };
  }

  /** What it is to be asked for, before what is configured. Whatever waited for it is tried at once. */
  async set(name: string, said: SaidAvailability): Promise<StoreSet> {
    return await setStore(this.#pando, name, said);
  }

  /** It lies where the configuration says, and not where the catalog knew it. Undefined: it is known there. */
  async moved(name: string, options: { readonly from?: string } = {}): Promise<StoreMoved | undefined> {
    return await moveStore(this.#pando, name, options);
  }

  /** What would follow if the store, or a place that the catalog knows, was declared lost. Nothing is written. */
  async planLost(store: string, options: Pick<LoseOptions, 'signal'> = {}): Promise<StoreLossPlan> {
    return await planLostPlace(this.#pando, store, options);
  }

  /** It is gone for good, or was emptied: its copies are forgotten, and nothing waits for it any more. No byte is touched. */
  async lost(store: string, options: LoseOptions = {}): Promise<StoreLost> {
    return await loseStore(this.#pando, store, options);
  }
}
