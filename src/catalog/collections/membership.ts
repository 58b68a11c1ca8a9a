import type { CollectionKind } from '../../domain/collection/collection.ts';
import type { SetStatement } from '../session.ts';
import type { JournalMember } from './collection-journal.ts';

/** The statements on one of the two tables of memberships. `member` is an object or a collection, by its number. */
export interface Membership {
  /** Which of these are members: the positions given with them. */
  readonly find: SetStatement;
  readonly insert: SetStatement;
  /** Returns member, actor and counter of each that was one. */
  readonly remove: SetStatement;
}

const MEMBERSHIPS: Readonly<Record<CollectionKind, Membership>> = {
  dataset: membershipIn('dataset_object', 'dataset', 'object'),
  container: membershipIn('container_collection', 'container', 'collection'),
};

export function membershipOf(kind: CollectionKind): Membership {
  return MEMBERSHIPS[kind];
}

function membershipIn(table: string, parent: string, member: string): Membership {
  return {
    find: {
      columns: { i: 'int', parent: 'int', member: 'int' },
      text: (rows) => `select r.i from ${rows} join ${table} m on m.${parent} = r.parent and m.${member} = r.member`,
    },
    insert: {
      columns: { parent: 'int', member: 'int', actor: 'int', counter: 'int' },
      text: (rows) =>
        `insert into ${table} (${parent}, ${member}, actor, counter)
         select r.parent, r.member, r.actor, r.counter from ${rows}`,
    },
    remove: {
      columns: { parent: 'int', member: 'int' },
      text: (rows) =>
        `delete from ${table} where (${parent}, ${member}) in (select r.parent, r.member from ${rows})
         returning ${member}, actor, counter`,
    },
  };
}

export function journalMember(parent: CollectionKind, id: number): JournalMember {
  return parent === 'dataset' ? { object: id } : { collection: id };
}
