import { ATTACH, DETACH, PUT_COLLECTION } from '../codes.ts';
import { giveDots, type Given } from '../record/give-dots.ts';
import type { Session, SetStatement } from '../session.ts';
import { appendEntries, type JournalRow } from '../sites/append-entries.ts';

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

const findScopes: SetStatement = {
  columns: { id: 'int' },
  text: (rows) => `select c.id, c.scope from ${rows} join collection c on c.id = r.id`,
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
  const ids = [...new Set(entries.map(({ collection }) => collection))].map((id) => [id]);
  const scopes = new Map(await session.all<[id: number, scope: number]>(findScopes, ids));
  const rows = entries.map((entry, at) => toRow(entry, given[at] as Given, scopes.get(entry.collection) ?? 0));
  await appendEntries(session, given[0]?.slot ?? 0, rows);
  return given;
}

const KINDS = { 'put-collection': PUT_COLLECTION, attach: ATTACH, detach: DETACH } as const;

/** These changes have no operation: they are idempotent by what they say. */
const NO_OPERATION = new Uint8Array();

function toRow(entry: CollectionEntry, { actor, counter }: Given, scope: number): JournalRow {
  const member = entry.kind === 'put-collection' ? undefined : entry.member;
  const object = member !== undefined && 'object' in member ? member.object : 0;
  const child = member !== undefined && 'collection' in member ? member.collection : undefined;
  const { collection } = entry;
  const what = { kind: KINDS[entry.kind], scope, object, version: 0, operation: NO_OPERATION };
  return { ...what, actor, counter, collection, member: child, detail: detailOf(entry) };
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
