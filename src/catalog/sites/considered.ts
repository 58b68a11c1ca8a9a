import { consider, covers, type SiteContext } from '../../domain/journal/site-context.ts';
import type { Dot } from '../../domain/object/dot.ts';
import { sql } from 'kysely';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { readLife } from './lives.ts';

const makeActor: SetStatement = {
  columns: { incarnation: 'text' },
  text: (rows) =>
    `insert into actor (incarnation) select r.incarnation from ${rows} where true on conflict (incarnation) do nothing`,
};

/** Numbers of actors, by incarnation; those never heard of get one. */
export async function numberActors(
  session: Session,
  incarnations: Iterable<string>,
): Promise<ReadonlyMap<string, number>> {
  const { actors } = session.known;
  const numbers = new Map<string, number>();
  const missing: string[] = [];
  for (const incarnation of new Set(incarnations)) {
    const number = await actors.findId(session, incarnation);
    if (number === undefined) missing.push(incarnation);
    else numbers.set(incarnation, number);
  }
  await session.run(
    makeActor,
    missing.sort().map((incarnation) => [incarnation]),
  );
  for (const incarnation of missing) numbers.set(incarnation, await actors.requireId(session, incarnation));
  return numbers;
}

const makeRow: SetStatement = {
  columns: { actor: 'int' },
  text: (rows) =>
    `insert into considered (actor, counter) select r.actor, 0 from ${rows} where true on conflict (actor) do nothing`,
};

const lockRow: SetStatement = {
  columns: { actor: 'int' },
  text: (rows, { forUpdate }) =>
    `select c.actor, c.counter from ${rows} join considered c on c.actor = r.actor order by c.actor ${forUpdate}`,
};

const findRow: SetStatement = {
  columns: { actor: 'int' },
  text: (rows) => `select c.actor, c.counter from ${rows} join considered c on c.actor = r.actor`,
};

const findBeyond: SetStatement = {
  columns: { actor: 'int' },
  text: (rows) => `select e.actor, e.counter from ${rows} join considered_exception e on e.actor = r.actor`,
};

const raise: SetStatement = {
  columns: { actor: 'int', counter: 'int' },
  text: (rows) => `update considered set counter = r.counter from ${rows} where considered.actor = r.actor`,
};

const addBeyond: SetStatement = {
  columns: { actor: 'int', counter: 'int' },
  text: (rows) =>
    `insert into considered_exception (actor, counter) select r.actor, r.counter from ${rows} where true
     on conflict (actor, counter) do nothing`,
};

const dropReached: SetStatement = {
  columns: { actor: 'int', counter: 'int' },
  text: (rows) => `delete from considered_exception where (actor, counter) in (select r.actor, r.counter from ${rows})`,
};

/** What a site has considered of the actors that some entries are of. Actors are the catalog's numbers, as text. */
export class ConsideredDots {
  readonly #before: SiteContext;
  #after: SiteContext;

  private constructor(context: SiteContext) {
    this.#before = context;
    this.#after = context;
  }

  /** Locks what is known of them until the transaction ends. */
  static async lock(session: Session, actors: Iterable<number>): Promise<ConsideredDots> {
    const rows = [...new Set(actors)].sort((a, b) => a - b).map((actor) => [actor]);
    await session.run(makeRow, rows);
    return ConsideredDots.#read(session, rows, lockRow);
  }

  static async look(session: Session, actors: Iterable<number>): Promise<ConsideredDots> {
    return ConsideredDots.#read(
      session,
      [...new Set(actors)].map((actor) => [actor]),
      findRow,
    );
  }

  static async #read(session: Session, rows: readonly (readonly SqlValue[])[], find: SetStatement) {
    const upTo = await session.all<[actor: number, counter: number]>(find, rows);
    const beyond = await session.all<[actor: number, counter: number]>(findBeyond, rows);
    return new ConsideredDots(toContext(upTo, beyond, String));
  }

  has(dot: Dot): boolean {
    return covers(this.#after, dot);
  }

  add(dots: readonly Dot[]): void {
    this.#after = consider(this.#after, dots);
  }

  async write(session: Session): Promise<void> {
    const raised: SqlValue[][] = [];
    const added: SqlValue[][] = [];
    const dropped: SqlValue[][] = [];
    for (const [actor, { upTo, beyond }] of Object.entries(this.#after)) {
      const before = this.#before[actor];
      if (before?.upTo === upTo && before.beyond === beyond) continue;
      if (before?.upTo !== upTo) raised.push([Number(actor), upTo]);
      const had = new Set(before?.beyond);
      for (const counter of beyond) if (!had.delete(counter)) added.push([Number(actor), counter]);
      for (const counter of had) dropped.push([Number(actor), counter]);
    }
    await session.run(raise, raised);
    await session.run(addBeyond, added);
    await session.run(dropReached, dropped);
  }
}

function toContext<Actor>(
  upTo: readonly (readonly [Actor, number])[],
  beyond: readonly (readonly [Actor, number])[],
  nameOf: (actor: Actor) => string,
): SiteContext {
  const context: Record<string, { upTo: number; beyond: number[] }> = {};
  for (const [actor, counter] of upTo) context[nameOf(actor)] = { upTo: counter, beyond: [] };
  for (const [actor, counter] of beyond) (context[nameOf(actor)] ??= { upTo: 0, beyond: [] }).beyond.push(counter);
  for (const one of Object.values(context)) one.beyond.sort((a, b) => a - b);
  return context;
}

/** Of all actors, by incarnation. */
export async function readContext({ db }: Session): Promise<SiteContext> {
  const upTo = await sql<{ incarnation: string; counter: number }>`
    select a.incarnation, c.counter from considered c join actor a on a.id = c.actor`.execute(db);
  const beyond = await sql<{ incarnation: string; counter: number }>`
    select a.incarnation, e.counter from considered_exception e join actor a on a.id = e.actor`.execute(db);
  const pairs = (rows: typeof upTo.rows) => rows.map(({ incarnation, counter }) => [incarnation, counter] as const);
  return toContext(pairs(upTo.rows), pairs(beyond.rows), (incarnation) => incarnation);
}

const raiseTo: SetStatement = {
  columns: { actor: 'int', counter: 'int' },
  text: (rows) =>
    `update considered set counter = r.counter from ${rows} where considered.actor = r.actor and considered.counter < r.counter`,
};

const dropCovered: SetStatement = {
  columns: { actor: 'int', counter: 'int' },
  text: (rows) =>
    `delete from considered_exception where (actor, counter) in (
       select e.actor, e.counter from ${rows} join considered_exception e on e.actor = r.actor and e.counter <= r.counter)`,
};

/** All dots of these actors up to here are considered: what of them was meant for this life of the catalog has come. */
export async function raiseFloor(
  session: Session,
  floor: Readonly<Record<string, number>>,
  life: string | undefined,
): Promise<boolean> {
  if (life !== undefined && life !== (await readLife(session))) return false;
  const numbers = await numberActors(session, Object.keys(floor));
  const rows = Object.entries(floor)
    .map(([actor, counter]) => [numbers.get(actor) ?? 0, counter] as const)
    .sort(([a], [b]) => a - b);
  await session.run(
    makeRow,
    rows.map(([actor]) => [actor]),
  );
  await session.run(raiseTo, rows);
  await session.run(dropCovered, rows);
  // What comes directly after it was considered before.
  const dots = await ConsideredDots.lock(
    session,
    rows.map(([actor]) => actor),
  );
  dots.add(rows.map(([actor, counter]) => ({ actor: String(actor), counter })));
  await dots.write(session);
  return true;
}
