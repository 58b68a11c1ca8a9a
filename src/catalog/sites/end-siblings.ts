import { type Context, contextAfter, mergeContexts } from '../../domain/object/dot.ts';
import { compareHybrid, type HybridTime } from '../../domain/object/hybrid-clock.ts';
import type { Accepted } from '../record/decide-change.ts';
import type { FoundObject } from '../record/find-objects.ts';
import type { Session, SetStatement } from '../session.ts';

type Previous = FoundObject['current'];

const find: SetStatement = {
  columns: { object: 'int' },
  text: (rows) =>
    `select s.object, v.actor, v.counter, v.context, v.time_ms, v.time_n
     from ${rows} join sibling s on s.object = r.object join version v on v.id = s.version`,
};

const end: SetStatement = {
  columns: { object: 'int' },
  text: (rows, { nowMs }) =>
    `insert into ended_conflict (object, version, ended_ms)
     select s.object, s.version, ${nowMs} from ${rows} join sibling s on s.object = r.object where true
     on conflict (object, version) do update set ended_ms = excluded.ended_ms`,
};

const drop: SetStatement = {
  columns: { object: 'int' },
  text: (rows) => `delete from sibling where object in (select r.object from ${rows})`,
};

const forget: SetStatement = {
  columns: { object: 'int' },
  text: (rows) => `update object set siblings = 0 from ${rows} where object.id = r.object`,
};

type SiblingRow = readonly [
  object: number,
  actor: number,
  counter: number,
  context: string | null,
  ms: number,
  n: number,
];

/**
 * What the versions that are being made follow: of an object with siblings all of them, which are none from then on. Who writes or deletes
 * here has seen all that this site knows of the object.
 */
export async function endSiblings(
  session: Session,
  accepted: readonly Accepted[],
): Promise<readonly (Previous | undefined)[]> {
  const ids = accepted.flatMap(({ found }) => (found !== undefined && found.siblings > 0 ? [[found.id]] : []));
  if (ids.length === 0) return accepted.map(({ found }) => found?.current);
  const siblings = Map.groupBy(await session.all<SiblingRow>(find, ids), ([object]) => object);
  await session.run(end, ids);
  await session.run(drop, ids);
  await session.run(forget, ids);
  return accepted.map(({ found }) => found && withSiblings(found.current, siblings.get(found.id) ?? []));
}

function withSiblings(current: Previous, siblings: readonly SiblingRow[]): Previous {
  let { context, time }: { context: Context; time: HybridTime } = current;
  for (const [, actor, counter, seen, ms, n] of siblings) {
    const dot = { actor: String(actor), counter };
    context = mergeContexts(
      context,
      contextAfter({ dot, context: seen === null ? {} : (JSON.parse(seen) as Context) }),
    );
    if (compareHybrid({ ms, n }, time) > 0) time = { ms, n };
  }
  return { ...current, context, time };
}
