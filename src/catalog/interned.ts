import { sql } from 'kysely';
import { CatalogError } from '../ports/catalog.ts';
import type { Session } from './session.ts';

/** Long texts that rows name by a small number; numbers are for ever, so what was read once is kept. */
export class Interned {
  readonly #table: string;
  readonly #column: string;
  readonly #ids = new Map<string, number>();
  readonly #texts = new Map<number, string>();

  constructor(table: string, column: string) {
    this.#table = table;
    this.#column = column;
  }

  async findId(session: Session, text: string): Promise<number | undefined> {
    const known = this.#ids.get(text);
    if (known !== undefined) return known;
    const found = await this.#read(session, this.#column, text);
    return found?.id;
  }

  /** Throws `failed` when the text was never made known to the catalog. */
  async requireId(session: Session, text: string): Promise<number> {
    const id = await this.findId(session, text);
    if (id === undefined)
      throw new CatalogError('failed', `the ${this.#table} ${text} was never opened in this catalog`);
    return id;
  }

  /** Ids of a few texts that many rows name. */
  async requireIds(session: Session, texts: Iterable<string>): Promise<ReadonlyMap<string, number>> {
    const ids = new Map<string, number>();
    for (const text of new Set(texts)) ids.set(text, await this.requireId(session, text));
    return ids;
  }

  async textOf(session: Session, id: number): Promise<string> {
    const known = this.#texts.get(id);
    if (known !== undefined) return known;
    const found = await this.#read(session, 'id', id);
    if (found === undefined)
      throw new CatalogError('corrupt', `the ${this.#table} number ${id} is named but not there`);
    return found.text;
  }

  forget(): void {
    this.#ids.clear();
    this.#texts.clear();
  }

  async #read(session: Session, by: string, value: string | number): Promise<{ id: number; text: string } | undefined> {
    const query = sql<{ id: number; text: string }>`
      select id, ${sql.ref(this.#column)} as text from ${sql.table(this.#table)} where ${sql.ref(by)} = ${value}`;
    const row = (await query.execute(session.db)).rows[0];
    if (row === undefined) return undefined;
    this.#ids.set(row.text, row.id);
    this.#texts.set(row.id, row.text);
    return row;
  }
}
