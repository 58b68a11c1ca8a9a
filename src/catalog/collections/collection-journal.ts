import { ATTACH, DETACH, PUT_COLLECTION } from '../codes.ts';
import { giveDots, type Given } from '../record/give-dots.ts';
import { hasPeers } from '../record/has-peers.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';

/** One change of a collection as its journal entry tells it. */
export type CollectionEntry = { readonly collection: number } & (
  | { readonly kind: 'put-collection'; readonly isOpen: boolean }
  | { readonly kind: 'attach'; readonly member: JournalMember }
  /** `undoes`: the dot of the attach. */
  | {
      readonly kind: 'detach';
      readonly member: JournalMember;
      readonly undoes: { readonly actor: number; readonly counter: number };
    }
);

export type JournalMember = { readonly object: number } | { readonly collection: number };

const append: SetStatement = {
  columns: {
    slot: 'int',
    counter: 'int',
    kind: 'int',
    object: 'int',
    operation: 'bytes',
    collection: 'int',
    member: 'int',
    detail: 'text',
  },
  text: (rows) =>
    `insert into journal (slot, counter, kind, object, version, operation, collection, member, detail)
     select r.slot, r.counter, r.kind, r.object, 0, r.operation, r.collection, r.member, r.detail from ${rows}`,
};

/**
 * Gives each change the next counter of this process's slot, as a version gets, and writes their journal entries where there is a
 * peer to read them. Returns their dots in order.
 */
export async function journalCollections(
  session: Session,
  entries: readonly CollectionEntry[],
): Promise<readonly Given[]> {
  if (entries.length === 0) return [];
  const given = await giveDots(
    session,
    entries.map(() => undefined),
  );
  if (await hasPeers(session)) {
    await session.run(
      append,
      entries.map((entry, at) => toRow(entry, given[at] as Given)),
    );
  }
  return given;
}

const KINDS = { 'put-collection': PUT_COLLECTION, attach: ATTACH, detach: DETACH } as const;

/** These changes have no operation: they are idempotent by what they say. */
const NO_OPERATION = new Uint8Array();

function toRow(entry: CollectionEntry, { slot, counter }: Given): SqlValue[] {
  const member = entry.kind === 'put-collection' ? undefined : entry.member;
  const object = member !== undefined && 'object' in member ? member.object : 0;
  const child = member !== undefined && 'collection' in member ? member.collection : null;
  return [slot, counter, KINDS[entry.kind], object, NO_OPERATION, entry.collection, child, detailOf(entry)];
}

function detailOf(entry: CollectionEntry): string | null {
  switch (entry.kind) {
    case 'put-collection':
      return JSON.stringify({ isOpen: entry.isOpen });
    case 'attach':
      return null;
    case 'detach':
      return JSON.stringify(entry.undoes);
  }
}
