import type { Session, SetStatement, SqlValue } from '../session.ts';

/** Sums what changes of locks add to what their accounts use. */
export class UseDeltas {
  readonly #uses = new Map<string, { account: string; store: number; bytes: number; locks: number }>();

  add(account: string, store: number, bytes: number, locks: number): void {
    const key = `${store} ${account}`;
    const use = this.#uses.get(key);
    if (use === undefined) this.#uses.set(key, { account, store, bytes, locks });
    else {
      use.bytes += bytes;
      use.locks += locks;
    }
  }

  rows(): SqlValue[][] {
    return [...this.#uses.values()]
      .filter(({ bytes, locks }) => bytes !== 0 || locks !== 0)
      .sort((a, b) => (a.account === b.account ? a.store - b.store : a.account < b.account ? -1 : 1))
      .map(({ account, store, bytes, locks }) => [account, store, bytes, locks]);
  }
}

const apply: SetStatement = {
  columns: { account: 'text', store: 'int', bytes: 'int', locks: 'int' },
  text: (rows) =>
    `insert into account_use (account, store, bytes, locks) select r.account, r.store, r.bytes, r.locks from ${rows} where true
     on conflict (account, store) do update set bytes = account_use.bytes + excluded.bytes,
       locks = account_use.locks + excluded.locks`,
};

export async function keepUse(session: Session, deltas: UseDeltas): Promise<void> {
  await session.run(apply, deltas.rows());
}
