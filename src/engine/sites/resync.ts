import { branchesOf, differing, leafOf, leavesOfBranch } from '../../domain/journal/digest.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { PeerLink } from '../../ports/peer-link.ts';
import { digestLeaves, walkDots } from './site-digests.ts';

export interface ResyncPorts {
  readonly catalog: Pick<Catalog, 'listReplicatedScopes' | 'readDots' | 'carryOutPurge' | 'queueObjects' | 'queuePurges'>;
  readonly link: Pick<PeerLink, 'digests' | 'listing'>;
}

export interface Resync {
  readonly peer: string;
  /** Undefined: all that peers are told of. */
  readonly scopes: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** Objects that this site has otherwise than the peer, or that it lacks. Without it they are queued for the peer. */
  readonly onDifferent?: (object: Different) => void;
}

export interface Different {
  readonly scope: string;
  readonly name: string;
  /** Undefined: the peer has never heard of it. */
  readonly there: string | undefined;
  readonly here: string;
}

export interface Resynced {
  /** Objects that were compared by their names, and not by digests only. */
  readonly compared: number;
  readonly different: number;
}

/** Leaves that are listed in one question. */
const LEAVES_AT_ONCE = 256;
/** So many objects are queued in one transaction. */
const QUEUED_AT_ONCE = 1_000;

/**
 * Finds what a peer has otherwise than this site (docs/sites.md, "Resync"), and queues it: digests of branches, of the leaves of those that
 * differ, the names in leaves that differ. What only the peer has is its own to tell. Fails with a `PeerError`.
 */
export async function resync(ports: ResyncPorts, args: Resync): Promise<Resynced> {
  const { catalog, link } = ports;
  const { scopes, signal } = args;
  // Before the objects: what it covers is nobody's, and in no digest.
  if (args.onDifferent === undefined) await catalog.queuePurges(args.peer, scopes);
  const own = await digestLeaves(catalog, scopes);
  const leaves: number[] = [];
  for (const branch of differing(branchesOf(own), await link.digests({ scopes, branch: undefined }, signal))) {
    const theirs = await link.digests({ scopes, branch }, signal);
    for (const leaf of differing(leavesOfBranch(own, branch), theirs)) {
      if (own[branch * 256 + leaf] !== 0n) leaves.push(branch * 256 + leaf);
    }
  }
  let compared = 0;
  let different = 0;
  for (let from = 0; from < leaves.length; from += LEAVES_AT_ONCE) {
    const wanted = leaves.slice(from, from + LEAVES_AT_ONCE);
    const listed = await link.listing({ scopes, leaves: wanted }, signal);
    const there = new Map(listed.map(({ scope, name, dots }) => [`${scope}\0${name}`, dots]));
    for await (const found of findDifferent(catalog, scopes, new Set(wanted), there)) {
      compared += found.compared;
      different += found.different.length;
      await tell(ports, args, found.different);
    }
  }
  return { compared, different };
}

async function* findDifferent(
  catalog: ResyncPorts['catalog'],
  scopes: readonly string[] | undefined,
  leaves: ReadonlySet<number>,
  there: ReadonlyMap<string, string>,
): AsyncGenerator<{ readonly compared: number; readonly different: readonly Different[] }> {
  for await (const { scope, names, dots } of walkDots(catalog, scopes)) {
    const different: Different[] = [];
    let compared = 0;
    for (const [at, name] of names.entries()) {
      if (!leaves.has(leafOf(scope, name))) continue;
      compared++;
      const here = dots[at] ?? '';
      const other = there.get(`${scope}\0${name}`);
      if (other !== here) different.push({ scope, name, here, there: other });
    }
    if (compared > 0) yield { compared, different };
  }
}

async function tell(
  { catalog }: ResyncPorts,
  { peer, onDifferent }: Resync,
  found: readonly Different[],
): Promise<void> {
  if (onDifferent !== undefined) {
    for (const one of found) onDifferent(one);
    return;
  }
  for (let from = 0; from < found.length; from += QUEUED_AT_ONCE) {
    const page = found.slice(from, from + QUEUED_AT_ONCE);
    const [first] = page;
    const names = page.map(({ name }) => name);
    if (first !== undefined) await catalog.queueObjects(peer, first.scope, names);
  }
}
