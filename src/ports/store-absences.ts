import type { ObjectName } from '../domain/object/object-name.ts';

/**
 * Stores that do not answer, as all workers of a catalog know them (docs/stores.md, "A store that stays away"). While one is known to be
 * away, copies there that rules or uploads placed are told as `TEMPORARY_UNAVAILABLE` where they are `AVAILABLE`; nothing is written for
 * that. Times are the catalog's.
 */
export interface AbsenceCatalog {
  /** Stores with copies that rules or uploads placed, or with locks; and all that are known to be away. In the order of their places. */
  listKeptStores(): Promise<readonly KeptStore[]>;
  /**
   * It did not answer. Known already, it stays away since then. Undefined: somebody else got an answer a moment ago, so only whoever asks does
   * not reach it.
   */
  tellAway(store: string): Promise<StoreAbsence | undefined>;
  /** It answers, though somebody said lately that it does not. */
  tellAnswers(store: string): Promise<void>;
  /**
   * Its copies are gone through by one worker at a time, who says so with each page. `back`: it answers, so it is away no longer than since
   * now if it ends so; whoever marks its copies meanwhile has lost his turn. Undefined: somebody else is at it, or it is not away.
   */
  claimAbsence(store: string, turn: 'mark' | 'back'): Promise<AbsenceTurn | undefined>;
  /**
   * The copies of up to `limit` objects from after `after` are `UNAVAILABLE` (`stayed-unreachable`), their locks `STUCK` until the store is
   * back, and their rules are due. Undefined: the turn is lost, and nothing was changed.
   */
  markUnavailable(turn: AbsenceTurn, page: AbsenceQuery): Promise<MarkedPage | undefined>;
  /** What `markUnavailable` marked and nobody has looked at since. */
  listUnavailable(
    store: string,
    page: AbsenceQuery,
  ): Promise<{ readonly copies: readonly UnavailableCopy[]; readonly next: string | undefined }>;
  /** What the store shows of such copies; their rules are due. False: the turn is lost, and nothing was changed. */
  recogniseCopies(turn: AbsenceTurn, looked: readonly LookedAtCopy[]): Promise<boolean>;
  /**
   * It is away no more. Locks that waited for it are tried now. False: the turn is lost, or `listUnavailable` has copies left that nobody
   * looked at.
   */
  endAbsence(turn: AbsenceTurn): Promise<boolean>;
}

export interface KeptStore {
  readonly store: string;
  /** Undefined: as far as anybody knows it answers. */
  readonly absence: StoreAbsence | undefined;
  /** It answers, and somebody said lately that it does not: `tellAnswers` keeps it from being away. */
  readonly isContested: boolean;
}

export interface StoreAbsence {
  readonly sinceMs: number;
  /** Until now. */
  readonly awayMs: number;
  /** `being-marked`: some are `UNAVAILABLE`; whoever was at it may have stopped. */
  readonly copies: 'kept' | 'being-marked' | 'unavailable';
}

export interface AbsenceTurn {
  readonly store: string;
  readonly token: number;
}

export interface AbsenceQuery {
  readonly after?: string | undefined;
  readonly limit: number;
}

export interface MarkedPage {
  readonly copies: number;
  /** Undefined: that was the last of it. */
  readonly next: string | undefined;
}

export interface UnavailableCopy extends ObjectName {
  readonly objectId: number;
  readonly versionId: number;
  readonly place: string;
  readonly token: string;
}

/** `same`: it lies there under its token, and is `AVAILABLE`; `other`: `SUSPICIOUS`; `none`: it is forgotten. */
export interface LookedAtCopy extends Pick<UnavailableCopy, 'objectId' | 'versionId' | 'token'> {
  readonly shows: 'same' | 'other' | 'none';
}
