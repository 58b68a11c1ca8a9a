import { branchesOf, differing, leafOf, leavesOfBranch } from '../../domain/journal/digest.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { PeerLink } from '../../ports/peer-link.ts';
import { digestLeaves, walkDots } from './site-digests.ts';

export interface ComparePorts {
  readonly catalog: Pick<Catalog, 'listReplicatedScopes' | 'readDots' | 'carryOutPurge'>;
  readonly link: Pick<PeerLink, 'digests' | 'listing'>;
}

export interface CompareSites {
  /** Undefined: all that peers are told of. */
  readonly scopes: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** Also what only the peer has is looked for. */
  readonly bothWays: boolean;
  readonly onDifferent: (objects: readonly Different[]) => Promise<void>;
}

/** An object with its versions here and there, as `actor:counter`, sorted; undefined: never heard of. */
export interface Different extends ObjectName {
  readonly here: string | undefined;
  readonly there: string | undefined;
}

export interface Compared {
  /** Objects that were compared by their names, and not by digests only. */
  readonly compared: number;
  readonly different: number;
}

/** Leaves that are listed in one question. */
const LEAVES_AT_ONCE = 256;

/**
 * Finds what two sites have otherwise (docs/sites.md, "Resync"): digests of branches, of the leaves of those that differ, the names in leaves
 * that differ. Nothing is changed. Fails with a `PeerError`.
 */
export async function compareSites({ catalog, link }: ComparePorts, args: CompareSites): Promise<Compared> {
  const { scopes, signal, bothWays, onDifferent } = args;
  const own = await digestLeaves(catalog, scopes);
  const leaves: number[] = [];
  for (const branch of differing(branchesOf(own), await link.digests({ scopes, branch: undefined }, signal))) {
    const theirs = await link.digests({ scopes, branch }, signal);
    for (const leaf of differing(leavesOfBranch(own, branch), theirs)) {
      if (bothWays || own[branch * 256 + leaf] !== 0n) leaves.push(branch * 256 + leaf);
    }
  }
  let compared = 0;
  let different = 0;
  const tell = async (found: readonly Different[]): Promise<void> => {
    different += found.length;
    if (found.length > 0) await onDifferent(found);
  };
  for (let from = 0; from < leaves.length; from += LEAVES_AT_ONCE) {
    const wanted = leaves.slice(from, from + LEAVES_AT_ONCE);
    const isWanted = new Set(wanted);
    const listed = await link.listing({ scopes, leaves: wanted }, signal);
    const there = new Map(listed.map((one) => [`${one.scope}\0${one.name}`, one]));
    for await (const { scope, names, dots } of walkDots(catalog, scopes)) {
      const found: Different[] = [];
      for (const [at, name] of names.entries()) {
        if (!isWanted.has(leafOf(scope, name))) continue;
        compared++;
        const key = `${scope}\0${name}`;
        const [here, other] = [dots[at] ?? '', there.get(key)?.dots];
        if (other !== here) found.push({ scope, name, here, there: other });
        there.delete(key);
      }
      await tell(found);
    }
    if (!bothWays) continue;
    compared += there.size;
    await tell([...there.values()].map(({ scope, name, dots }) => ({ scope, name, here: undefined, there: dots })));
  }
  return { compared, different };
}
