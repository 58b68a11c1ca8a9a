import type { ObjectName } from '../../domain/object/object-name.ts';
import type { PathAlgorithm, PathOutcome } from '../../domain/store/paths/path-algorithm.ts';
import type { Operation, Protocol } from '../../domain/store/protocol.ts';
import { domainBetween, orderProtocols } from '../../domain/store/protocol.ts';
import type { StoreNames } from '../../domain/store/store-names.ts';
import type { StoreTraits } from '../../domain/store/store-traits.ts';
import type { Storage } from '../../ports/storage.ts';

/** A store as rules and transfers use it. `compose.ts` makes it from a profile; nothing is opened before it is needed. */
export interface StoreAccess {
  /** The profile's name: what expressions, policies and people call it. */
  readonly name: string;
  /** What the catalog calls it. */
  readonly place: string;
  readonly traits: StoreTraits;
  readonly paths: PathAlgorithm;
  /**
   * Scopes that are mirrored here under their own names: then it holds objects of these and of no others, because a sync would take
   * them for the mirror's. Undefined: it is no mirror, and holds what is placed here.
   */
  readonly mirrors: ReadonlySet<string> | undefined;
  /** Scopes whose objects are what lies here, whoever put it there. */
  readonly sourceOf: readonly string[];
  readonly protocols: readonly StoreProtocol[];
  /** One attempt at it may take so long. */
  readonly deadlineMs: number;
  /** Bytes in memory only: its copies never count. */
  readonly isInMemory: boolean;
  /** Copies are soft until a later flush (docs/versions.md, "Soft copies"). */
  readonly isSoft: boolean;
}

/** One way to a store. All ways of a store show the same paths. */
export interface StoreProtocol extends Protocol {
  /** URL that paths are appended to. */
  readonly place: string;
  /** The same one each time. */
  open(): Promise<Storage>;
}

/** All stores there are, by place. */
export type Stores = ReadonlyMap<string, StoreAccess>;

/** Where an object's bytes are to lie in a store, or why they cannot (docs/names-and-expressions.md, "Paths"). */
export function placeIn(store: StoreAccess, object: ObjectName, dataset: ObjectName | undefined): PathOutcome {
  if (store.mirrors === undefined) return store.paths.pathOf(object, dataset);
  if (store.mirrors.has(object.scope)) return { path: object.name };
  return { refused: `${store.name} mirrors ${[...store.mirrors].join(', ')}, and holds nothing else` };
}

/** What people and policies call a store. */
export function namesOf({ name, traits }: StoreAccess): StoreNames {
  return { store: name, aliases: traits.aliases, site: traits.site };
}

/** The ways to a store for one operation, best first; none where it is not to be asked for that. */
export function waysTo(
  store: StoreAccess,
  operation: Operation,
  { clientSite, fraction }: { readonly clientSite: string | undefined; readonly fraction: number },
): StoreProtocol[] {
  if (!store.traits.availability[operation]) return [];
  return orderProtocols(store.protocols, { operation, domain: domainBetween(clientSite, store.traits.site), fraction });
}
