import { branchesOf, type Digests, hashObject, LEAVES, leafOf, leavesOfBranch } from '../../domain/journal/digest.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DigestQuery, ListedObject, ListingQuery } from '../../ports/peer-link.ts';

type DotsCatalog = Pick<Catalog, 'listReplicatedScopes' | 'readDots' | 'carryOutPurge'>;

/** Objects to a page: what the catalog is busy with at once. */
const PAGE = 10_000;

/** All objects of some scopes, or of all that peers are told of, with the dots of their versions. */
export async function* walkDots(
  catalog: DotsCatalog,
  scopes: readonly string[] | undefined,
): AsyncGenerator<{ readonly scope: string; readonly names: readonly string[]; readonly dots: readonly string[] }> {
  // What was purged is told by the purge, and no object's any more.
  while (await catalog.carryOutPurge());
  for (const scope of scopes ?? (await catalog.listReplicatedScopes())) {
    let after: string | undefined;
    do {
      const page = await catalog.readDots({ scope, after, limit: PAGE });
      yield { scope, names: page.names, dots: page.dots };
      after = page.next;
    } while (after !== undefined);
  }
}

/** The digests of all leaves: one walk over the objects. */
export async function digestLeaves(catalog: DotsCatalog, scopes: readonly string[] | undefined): Promise<Digests> {
  const leaves = new BigUint64Array(LEAVES);
  for await (const { scope, names, dots } of walkDots(catalog, scopes)) {
    for (const [at, name] of names.entries()) {
      const leaf = leafOf(scope, name);
      leaves[leaf] = (leaves[leaf] ?? 0n) + hashObject(scope, name, dots[at]?.split(' ') ?? []);
    }
  }
  return leaves;
}

/** Questions of one comparison come one after the other, and are answered from one walk for so long after each. */
const KEPT_MS = 60_000;

interface Walked {
  readonly scopes: string;
  /** Of the last answer from it. */
  atMs: number;
  readonly leaves: Promise<Digests>;
}

/** Answers who compares: the digests of the last walk are kept for the questions that follow. */
export class SiteDigests {
  readonly #catalog: DotsCatalog;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #last: Walked | undefined;

  constructor(catalog: DotsCatalog, clock: Pick<Clock, 'monotonicMs'>) {
    this.#catalog = catalog;
    this.#clock = clock;
  }

  /** Of all branches, counted anew; or of the leaves of one. */
  async digests({ scopes, branch }: DigestQuery): Promise<Digests> {
    const walked = this.#walk(scopes, branch === undefined);
    const leaves = await walked.leaves;
    // However long the walk took.
    walked.atMs = this.#clock.monotonicMs();
    return branch === undefined ? branchesOf(leaves) : leavesOfBranch(leaves, branch);
  }

  #walk(scopes: readonly string[] | undefined, anew: boolean): Walked {
    const key = JSON.stringify(scopes ?? null);
    const nowMs = this.#clock.monotonicMs();
    const last = this.#last;
    if (!anew && last?.scopes === key && nowMs - last.atMs < KEPT_MS) return last;
    const walked = { scopes: key, atMs: nowMs, leaves: digestLeaves(this.#catalog, scopes) };
    this.#last = walked;
    return walked;
  }

  async listing({ scopes, leaves }: ListingQuery): Promise<readonly ListedObject[]> {
    const wanted = new Set(leaves);
    const listed: ListedObject[] = [];
    for await (const page of walkDots(this.#catalog, scopes)) {
      for (const [at, name] of page.names.entries()) {
        if (wanted.has(leafOf(page.scope, name))) listed.push({ scope: page.scope, name, dots: page.dots[at] ?? '' });
      }
    }
    return listed;
  }
}
