import type { Session, SetStatement } from '../session.ts';

const look: SetStatement = {
  columns: { one: 'int' },
  text: (rows) =>
    `select case when exists (select 1 from store_space) then 1 else 0 end,
       case when exists (select 1 from rule) then 1 else 0 end from ${rows}`,
};

/**
 * Whether anything was ever placed or locked, and whether there is a rule: one cheap look inside the transaction, after it locked
 * its objects. Who places or locks later waits for these objects, and sees what was done to them.
 */
export async function lookForPlacements(
  session: Session,
): Promise<{ readonly placements: boolean; readonly rules: boolean }> {
  const [row] = await session.all<[placements: number, rules: number]>(look, [[1]]);
  return { placements: row?.[0] === 1, rules: row?.[1] === 1 };
}
