import { escapeKey } from '../../domain/object/key.ts';
import type { Listed, ListingFailure, Storage } from '../../ports/storage.ts';
import {
  FINDINGS_KEPT,
  type VerifyFinding,
  type VerifyFindingKind,
  type VerifyListeners,
  type VerifyStoreResult,
  type VerifyTarget,
} from './verify-types.ts';

/** Counters of one store; they only grow. */
export class StoreTally {
  readonly title: string;
  readonly place: string;
  intact = 0;
  missing = 0;
  stale = 0;
  corrupt = 0;
  unreadable = 0;
  extra = 0;
  bytes = 0;
  gaveUp: string | undefined;

  constructor(title: string, place: string) {
    this.title = title;
    this.place = place;
  }

  result(): VerifyStoreResult {
    const { title, place, intact, missing, stale, corrupt, unreadable, extra, bytes, gaveUp } = this;
    return { title, place, intact, missing, stale, corrupt, unreadable, extra, bytes, gaveUp };
  }
}

/** All that a verification counts. Stores by index: the source first, then the targets. */
export class VerifyTally {
  readonly stores: readonly StoreTally[];
  readonly findings: VerifyFinding[] = [];
  /** What is at a target and not at the source; they take no room from what is wrong. */
  readonly extras: VerifyFinding[] = [];
  /** Seen in the listings, and of these read at all their stores. */
  listed = 0;
  objects = 0;
  wrong = 0;
  /** The listings are at their end. */
  isComplete = false;
  #bytesListed = 0;
  #bytesUnderWay = 0;
  readonly #listeners: VerifyListeners;

  constructor(of: {
    readonly source: Storage;
    readonly sourceTitle: string;
    readonly targets: readonly VerifyTarget[];
    readonly listeners: VerifyListeners;
  }) {
    this.stores = [
      new StoreTally(of.sourceTitle, of.source.place),
      ...of.targets.map(({ title, storage }) => new StoreTally(title, storage.place)),
    ];
    this.#listeners = of.listeners;
  }

  /** An object as the stores list it. */
  list(copies: readonly (Pick<Listed, 'size'> | undefined)[]): void {
    this.listed++;
    for (const copy of copies) this.#bytesListed += copy?.size ?? 0;
  }

  /** Of large objects that are under way. */
  moved(bytes: number): void {
    this.#bytesUnderWay = bytes;
    this.report();
  }

  store(index: number): StoreTally {
    return this.stores[index] as StoreTally;
  }

  /** `intactAt`: titles of the targets that have the right bytes, where the source has not. */
  find(store: number, key: string, kind: VerifyFindingKind, message: string, intactAt?: readonly string[]): void {
    this.#find(store, { key: escapeKey(key), name: key, kind, message, intactAt });
  }

  /** What a listing could not show; its name is printable already. */
  findListed(store: number, { shown, message, kind: cause }: ListingFailure): void {
    this.#find(store, { key: shown, name: shown, kind: 'unreadable', message, cause });
  }

  #find(store: number, found: Omit<VerifyFinding, 'target'>): void {
    const tally = this.store(store);
    tally[found.kind]++;
    const isWrong = found.kind !== 'extra';
    if (isWrong) this.wrong++;
    const target = store === 0 ? undefined : tally.title;
    const finding = { ...found, target };
    const kept = isWrong ? this.findings : this.extras;
    if (kept.length < FINDINGS_KEPT) kept.push(finding);
    this.#listeners.onFinding?.(finding);
  }

  giveUp(store: number, message: string): void {
    if (this.store(store).gaveUp !== undefined) return;
    this.store(store).gaveUp = message;
    this.find(store, '', 'unreadable', message);
  }

  isOut(store: number): boolean {
    return this.store(store).gaveUp !== undefined;
  }

  report(): void {
    const bytes = this.stores.reduce((sum, store) => sum + store.bytes, 0);
    const { listed, objects, wrong, isComplete } = this;
    this.#listeners.onProgress?.({
      listed,
      objects,
      bytes: bytes + this.#bytesUnderWay,
      bytesListed: this.#bytesListed,
      wrong,
      complete: isComplete,
    });
  }
}
