import type { Session, SetStatement } from '../session.ts';

const climb: SetStatement = {
  columns: { id: 'int' },
  text: (rows) =>
    `with recursive above(id) as (
       select r.id from ${rows}
       union select c.container from above join container_collection c on c.collection = above.id
     ) select id from above`,
};

/** These collections, and all that hold one of them by whatever way. */
export async function findAncestors(session: Session, collections: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await session.all<[id: number]>(
    climb,
    collections.map((id) => [id]),
  );
  return new Set(rows.map(([id]) => id));
}
