import { isConflict, join } from '../../domain/journal/join.ts';
import type { VersionEntry } from '../../domain/journal/entry.ts';
import type { Dot } from '../../domain/object/dot.ts';
import type { ApplyOutcome } from '../../ports/journal.ts';
import { type ContentColumns, encodeContent, encodeOperation } from '../content.ts';
import { OBJECT, TOMBSTONE } from '../codes.ts';
import type { ConsideredDots } from './considered.ts';
import { identityOf, type JoinedObject, type SeenVersion } from './see-joined.ts';

/** An entry whose actors have the catalog's numbers. */
export interface EncodedEntry {
  readonly entry: VersionEntry;
  readonly content: ContentColumns;
  readonly operation: Uint8Array;
  /** `id` is 0: it has none yet. */
  readonly version: SeenVersion;
  readonly also: readonly Dot[];
}

export function encodeEntry(entry: VersionEntry, numbers: ReadonlyMap<string, number>): EncodedEntry {
  const number = (actor: string): string => String(numbers.get(actor));
  const { content, dot, context, time, origin } = entry;
  const columns = encodeContent(content);
  const operation = encodeOperation(entry.operation);
  const sha256 = content.kind === 'object' ? (content.sha256?.toLowerCase() ?? null) : null;
  const [kind, size, , contentType, metadata] = columns;
  return {
    entry,
    content: columns,
    operation,
    version: {
      id: 0,
      kind,
      dot: { actor: number(dot.actor), counter: dot.counter },
      context: Object.fromEntries(Object.entries(context).map(([actor, counter]) => [number(actor), counter])),
      time,
      origin,
      operation: Buffer.from(operation).toString('hex'),
      identity: identityOf({ kind, size, sha256, contentType, metadata }),
      isTombstone: kind === TOMBSTONE,
    },
    also: (entry.also ?? []).map(({ actor, counter }) => ({ actor: number(actor), counter })),
  };
}

/** Actors an entry names. */
export function* actorsOf({ dot, context, also = [] }: VersionEntry): Generator<string> {
  yield dot.actor;
  yield* Object.keys(context);
  for (const { actor } of also) yield actor;
}

export type Decided =
  | { readonly kind: 'left'; readonly outcome: ApplyOutcome; readonly isConsidered: boolean }
  | { readonly kind: 'taken'; readonly outcome: ApplyOutcome; readonly versions: readonly SeenVersion[] };

/** What becomes of an entry, seen against the object as it is now. */
export function decideEntry(
  { version, entry }: EncodedEntry,
  facts: {
    readonly object: JoinedObject | undefined;
    readonly considered: ConsideredDots;
    readonly isPurged: boolean;
    readonly hasCopy: boolean;
  },
): Decided {
  const { object, considered, isPurged, hasCopy } = facts;
  const isKnown = considered.has(version.dot);
  if (isPurged) return { kind: 'left', outcome: { kind: isKnown ? 'duplicate' : 'purged' }, isConsidered: true };
  // Considered before: what it made is here, or was followed, or was deleted and forgotten. It does not come back (I5).
  if (isKnown) return { kind: 'left', outcome: { kind: 'duplicate' }, isConsidered: true };
  const joined = join(object?.versions ?? [], version);
  switch (joined.kind) {
    case 'known':
      return { kind: 'left', outcome: { kind: 'duplicate' }, isConsidered: true };
    case 'older':
      return { kind: 'left', outcome: { kind: 'older' }, isConsidered: true };
    case 'alarm': {
      const why = `the change ${entry.dot.actor}:${entry.dot.counter} is known here with other content: a site has used a number twice`;
      return { kind: 'left', outcome: { kind: 'refused', why }, isConsidered: false };
    }
    case 'joined': {
      if (version.kind === OBJECT && !hasCopy)
        return { kind: 'left', outcome: { kind: 'bytes-wanted' }, isConsidered: false };
      const others = joined.versions.filter((one) => one !== version);
      const kind = others.some((one) => isConflict(one, version)) ? 'conflict' : 'applied';
      return { kind: 'taken', outcome: { kind }, versions: joined.versions };
    }
  }
}
