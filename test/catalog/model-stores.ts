import { expect } from 'vitest';
import type { CatalogContract } from '../../src/testing/catalog-contract/harness.ts';

/** Declared lost, unless somebody is at work there. */
export async function lose(
  contract: CatalogContract,
  scope: string,
  names: readonly string[],
  store: string,
): Promise<void> {
  for (let after: string | undefined; ; ) {
    const lost = await contract.catalog.loseCopies({ store, limit: 2, ...(after === undefined ? {} : { after }) });
    if (lost.kind === 'held') return;
    after = lost.next;
    if (after === undefined) break;
  }
  expect(await contract.catalog.countHeld(store)).toEqual({ copies: 0, copiesWanted: 0, deletes: 0 });
  for (const name of names) {
    const row = await contract.catalog.readObject(scope, name);
    expect(row?.replicas.filter((one) => one.store === store) ?? []).toEqual([]);
  }
}

/** Known to be away, and so many of its copies marked for it. */
export async function stayAway({ catalog }: CatalogContract, store: string, pages: number): Promise<void> {
  await catalog.tellAway(store);
  const turn = pages === 0 ? undefined : await catalog.claimAbsence(store, 'mark');
  let after: string | undefined;
  for (let page = 0; turn !== undefined && page < pages; page++) {
    after = (await catalog.markUnavailable(turn, { after, limit: 1 }))?.next;
    if (after === undefined) return;
  }
}

const SHOWN = ['same', 'same', 'same', 'same', 'other', 'none'] as const;

/** It may be away again before the end. */
export async function comeBack(
  { catalog }: CatalogContract,
  store: string,
  { shows, ends }: { readonly shows: number; readonly ends: boolean },
): Promise<void> {
  const turn = await catalog.claimAbsence(store, 'back');
  if (turn === undefined) return;
  const { copies } = await catalog.listUnavailable(store, { limit: ends ? 100 : 1 });
  const looked = copies.map((copy) => ({ ...copy, shows: SHOWN[shows] ?? 'same' }));
  expect(await catalog.recogniseCopies(turn, looked)).toBe(true);
  expect(await catalog.recogniseCopies({ ...turn, token: turn.token - 1 }, looked)).toBe(false);
  if (ends) expect(await catalog.endAbsence(turn)).toBe(true);
}
