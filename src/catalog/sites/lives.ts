import { sql } from 'kysely';
import type { Entry } from '../../domain/journal/entry.ts';
import type { Dot } from '../../domain/object/dot.ts';
import type { Lives } from '../../ports/journal.ts';
import type { Session, SetStatement } from '../session.ts';

/** A catalog that begins anew, or was put back to an older state, is told apart from what it was by its life (docs/sites.md, "Restored catalogs"). */
export async function beginLife({ db, known }: Session): Promise<string> {
  const life = Buffer.from(known.random.bytes(8)).toString('hex');
  await db.updateTable('site').set({ life }).execute();
  return life;
}

export async function readLife({ db }: Session): Promise<string | undefined> {
  const row = await db.selectFrom('site').select('life').executeTakeFirst();
  return row?.life ?? undefined;
}

/** What actors of this site have given out. */
export async function readActors({ db }: Session): Promise<Readonly<Record<string, number>>> {
  const rows = await db
    .selectFrom('slot')
    .innerJoin('actor', 'actor.id', 'slot.actor')
    .select(['actor.incarnation', 'slot.counter'])
    .execute();
  return Object.fromEntries(rows.map(({ incarnation, counter }) => [incarnation, counter]));
}

/** The highest number that is known here of each of these actors: considered, or waited for. */
export async function readKnown(
  session: Session,
  actors: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const { db, known } = session;
  const found: Record<string, number> = {};
  for (const incarnation of actors) {
    const waiting = await sql<{ change: string }>`
      select change from wanted_bytes where change like ${`${incarnation}:%`}`.execute(db);
    const counters = waiting.rows.map(({ change }) => Number(change.slice(incarnation.length + 1)));
    const actor = await known.actors.findId(session, incarnation);
    if (actor !== undefined) {
      const { rows } = await sql<{ counter: number }>`
        select counter from considered where actor = ${actor}
        union all select max(counter) from considered_exception where actor = ${actor} group by actor`.execute(db);
      counters.push(...rows.map(({ counter }) => counter));
    }
    const highest = Math.max(0, ...counters);
    if (highest > 0) found[incarnation] = highest;
  }
  return found;
}

/** What somebody knows of actors of this site. Returns whether that was more than was given out here, and a new incarnation writes from now on. */
export async function noticeKnown(session: Session, known: Readonly<Record<string, number>>): Promise<boolean> {
  const numbers = new Map<number, number>();
  for (const [incarnation, counter] of Object.entries(known)) {
    const actor = await session.known.actors.findId(session, incarnation);
    if (actor !== undefined) numbers.set(actor, counter);
  }
  return renewBeyond(session, numbers);
}

/** All go on as others: somebody could not be asked what is known of them. Also those that have given out nothing yet may have, in a newer copy. */
export async function renewActors(session: Session): Promise<void> {
  const slots = await session.db.selectFrom('slot').select('actor').execute();
  await renewBeyond(session, new Map(slots.map(({ actor }) => [actor, Number.MAX_SAFE_INTEGER])));
}

/** The same of what entries tell: their dots, what their writers had seen, what purges had. `numbers`: of all actors they name. */
export async function noticeEntries(
  session: Session,
  entries: readonly Entry[],
  numbers: ReadonlyMap<string, number>,
): Promise<void> {
  const told = new Map<number, number>();
  const note = (incarnation: string, counter: number): void => {
    const actor = numbers.get(incarnation);
    if (actor !== undefined) told.set(actor, Math.max(told.get(actor) ?? 0, counter));
  };
  for (const entry of entries) {
    note(entry.dot.actor, entry.dot.counter);
    if (entry.kind === 'version') for (const [actor, counter] of Object.entries(entry.context)) note(actor, counter);
    else
      for (const [actor, { upTo, beyond }] of Object.entries(entry.seen))
        note(actor, Math.max(upTo, beyond.at(-1) ?? 0));
  }
  await renewBeyond(session, told);
}

/**
 * Slots whose actor somebody knows further than it has given out here: the catalog is an older copy of itself. Numbers that were given out by
 * what it was before are not given out again; the slot goes on as another actor.
 */
async function renewBeyond(session: Session, told: ReadonlyMap<number, number>): Promise<boolean> {
  const { db, known } = session;
  const slots = await db.selectFrom('slot').select(['number', 'actor', 'counter']).orderBy('number').execute();
  let isRenewed = false;
  for (const { number, actor, counter } of slots) {
    if ((told.get(actor) ?? 0) <= counter) continue;
    const incarnation = Buffer.from(known.random.bytes(8)).toString('hex');
    const made = await db.insertInto('actor').values({ incarnation }).returning('id').executeTakeFirstOrThrow();
    const [was] = (
      await sql<{ counter: number }>`
        select counter from slot where number = ${number} and actor = ${actor} ${sql.raw(session.engine.forUpdate)}`.execute(
        db,
      )
    ).rows;
    if (was === undefined) continue;
    await db.updateTable('slot').set({ actor: made.id, counter: 0 }).where('number', '=', number).execute();
    await db
      .insertInto('former_actor')
      .values({ actor, counter: was.counter })
      .onConflict((conflict) => conflict.column('actor').doNothing())
      .execute();
    isRenewed = true;
  }
  if (isRenewed) known.slot.forget();
  return isRenewed;
}

/**
 * Writes as another actor from now on, where this one has made a version that is not to be followed by what is written next: a context has
 * one number an actor, so whoever follows a later version of the actor has seen the earlier one, too.
 */
export async function passBy(session: Session, versions: readonly { readonly dot: Dot }[]): Promise<void> {
  const { slot } = await session.known.slot.takeCounters(session, 0);
  if (versions.some(({ dot }) => dot.actor === String(slot.actor)))
    await renewBeyond(session, new Map([[slot.actor, Number.MAX_SAFE_INTEGER]]));
}

const findLives: SetStatement = {
  columns: { site: 'text' },
  text: (rows, { forShare }) => `select p.life from ${rows} join peer p on p.site = r.site ${forShare}`,
};

const findOwnLife: SetStatement = {
  columns: { one: 'int' },
  text: (rows) => `select s.life from ${rows} join site s on true`,
};

/** Whether what a site sent was meant for this life of the catalog, and comes from that life of the site which is known. */
export async function areCurrent(session: Session, from: string, lives: Lives | undefined): Promise<boolean> {
  if (lives === undefined) return true;
  const [own] = await session.all<[life: string | null]>(findOwnLife, [[0]]);
  if (own?.[0] !== lives.to) return false;
  // Whoever notices another life of the site comes before this, or after its commit.
  const known = await session.all<[life: string | null]>(findLives, [[from]]);
  return known.every(([life]) => life === null || life === lives.from);
}
