import { sql } from 'kysely';
import type { Session, SetStatement } from './session.ts';

/** A slot whose process has not written for so long may be taken by another one. */
const SLOT_LEASE_MS = 60_000;

/** The actor this process writes as (docs/catalog.md, "Slots and numbers"). */
export interface OwnSlot {
  readonly number: number;
  readonly actor: number;
  readonly incarnation: string;
}

export interface TakenCounters {
  readonly slot: OwnSlot;
  readonly first: number;
  readonly hybridMs: number;
  readonly hybridN: number;
}

const take: SetStatement = {
  columns: { number: 'int', holder: 'text', count: 'int', lease: 'int' },
  text: (rows, engine) =>
    `update slot set counter = slot.counter + r.count, until_ms = ${engine.nowMs} + r.lease
     from ${rows} where slot.number = r.number and slot.holder = r.holder
     returning slot.counter, slot.hybrid_ms, slot.hybrid_n, slot.actor`,
};

/**
 * Holds one slot of the catalog. The lease is renewed by writing; an idle process loses its slot to whoever needs one, and
 * takes a free one at its next write, so slots are as many as processes that ever wrote within one minute.
 */
export class Slot {
  readonly #holder: string;
  #own: OwnSlot | undefined;

  /** `holder` names the process; all processes of an engine with serialised writers share one name, and so one slot. */
  constructor(holder: string) {
    this.#holder = holder;
  }

  /** Takes `count` counters inside the transaction. The row stays locked until it ends: numbers commit in their order. */
  async takeCounters(session: Session, count: number): Promise<TakenCounters> {
    for (;;) {
      const slot = await this.own(session);
      const [row] = await session.all<[counter: number, ms: number, n: number, actor: number]>(take, [
        [slot.number, this.#holder, count, SLOT_LEASE_MS],
      ]);
      if (row === undefined) {
        this.#own = undefined;
        continue;
      }
      const [counter, hybridMs, hybridN, actor] = row;
      return { slot: await this.#as(session, slot, actor), first: counter - count + 1, hybridMs, hybridN };
    }
  }

  /** Somebody else may have found that the slot has to go on as another actor. */
  async #as(session: Session, slot: OwnSlot, actor: number): Promise<OwnSlot> {
    if (slot.actor === actor) return slot;
    const incarnation = await session.known.actors.textOf(session, actor);
    this.#own = { number: slot.number, actor, incarnation };
    return this.#own;
  }

  async own(session: Session): Promise<OwnSlot> {
    this.#own ??= (await this.#claim(session)) ?? (await this.#make(session));
    return this.#own;
  }

  /** Gives the slot to whoever needs one next. */
  async release(session: Session): Promise<void> {
    await session.db.updateTable('slot').set({ until_ms: 0, holder: '' }).where('holder', '=', this.#holder).execute();
    this.forget();
  }

  /** The slot may have been made in a transaction that is rolled back. */
  forget(): void {
    this.#own = undefined;
  }

  async #claim(session: Session): Promise<OwnSlot | undefined> {
    const { engine, db } = session;
    const now = sql.raw(engine.nowMs);
    const free = await sql<{ number: number }>`
      select number from slot where holder = ${this.#holder} or until_ms < ${now}
      order by case when holder = ${this.#holder} then 0 else 1 end, number limit 1 ${sql.raw(engine.skipLocked)}`.execute(
      db,
    );
    const number = free.rows[0]?.number;
    if (number === undefined) return undefined;
    await sql`
      update slot set holder = ${this.#holder}, until_ms = ${now} + ${SLOT_LEASE_MS} where number = ${number}`.execute(
      db,
    );
    return db
      .selectFrom('slot')
      .innerJoin('actor', 'actor.id', 'slot.actor')
      .where('slot.number', '=', number)
      .select(['slot.number', 'slot.actor', 'actor.incarnation'])
      .executeTakeFirst();
  }

  async #make(session: Session): Promise<OwnSlot> {
    const incarnation = Buffer.from(session.known.random.bytes(8)).toString('hex');
    const { id: actor } = await session.db
      .insertInto('actor')
      .values({ incarnation })
      .returning('id')
      .executeTakeFirstOrThrow();
    for (;;) {
      const made = await sql<{ number: number }>`
        insert into slot (number, actor, counter, hybrid_ms, hybrid_n, holder, until_ms)
        select coalesce(max(number), 0) + 1, ${sql.raw(`${actor}`)}, 0, 0, 0, ${this.#holder}, ${sql.raw(session.engine.nowMs)} + ${SLOT_LEASE_MS}
        from slot where true on conflict (number) do nothing returning number`.execute(session.db);
      const number = made.rows[0]?.number;
      if (number !== undefined) return { number, actor, incarnation };
    }
  }
}
