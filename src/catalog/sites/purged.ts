import { covers, type SiteContext } from '../../domain/journal/site-context.ts';
import type { Session, SetStatement } from '../session.ts';

const find: SetStatement = {
  columns: { scope: 'int' },
  text: (rows) => `select p.scope, p.seen from ${rows} join purge p on p.scope = r.scope`,
};

/** SQL condition: the scope has purged objects whose rows are there still. */
export function isPurgeOpen(scope: string): string {
  return `exists (select 1 from purge_open q where q.scope = ${scope})`;
}

/** What purges of scopes have taken away: a version is gone iff the purging site had considered its dot. */
export class Purged {
  readonly #session: Session;
  readonly #seen: ReadonlyMap<number, readonly SiteContext[]>;

  private constructor(session: Session, seen: ReadonlyMap<number, readonly SiteContext[]>) {
    this.#session = session;
    this.#seen = seen;
  }

  static async read(session: Session, scopes: Iterable<number>): Promise<Purged> {
    const rows = await session.all<[scope: number, seen: string]>(
      find,
      [...new Set(scopes)].map((scope) => [scope]),
    );
    const seen = new Map<number, SiteContext[]>();
    for (const [scope, text] of rows) {
      const known = seen.get(scope) ?? [];
      known.push(JSON.parse(text) as SiteContext);
      seen.set(scope, known);
    }
    return new Purged(session, seen);
  }

  get isEmpty(): boolean {
    return this.#seen.size === 0;
  }

  /** `actor`: the catalog's number. */
  async has(scope: number, actor: number, counter: number): Promise<boolean> {
    const seen = this.#seen.get(scope);
    if (seen === undefined) return false;
    const incarnation = await this.#session.known.actors.textOf(this.#session, actor);
    return seen.some((context) => covers(context, { actor: incarnation, counter }));
  }

  /** The same, of an actor by its incarnation. */
  hasDot(scope: number, dot: { readonly actor: string; readonly counter: number }): boolean {
    return this.#seen.get(scope)?.some((context) => covers(context, dot)) === true;
  }
}
