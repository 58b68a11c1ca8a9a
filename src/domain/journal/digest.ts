/**
 * What two sites compare to find where they differ (docs/sites.md, "Resync"). Every object falls into one of 65,536 leaves by its scope and
 * name; a leaf's digest is the sum of the hashes of its objects, each of its name and the dots of its versions, tombstones too; 256
 * leaves are a branch. Equal digests mean equal sets, whatever the order in which things came to be; one that differs by chance is
 * one in 2^64.
 */
export const LEAVES = 65_536;
export const BRANCHES = 256;

export type Digests = BigUint64Array;

/** Which leaf an object falls into. */
export function leafOf(scope: string, name: string): number {
  return hash32(`${scope}\0${name}`, 0x9747b28c) >>> 16;
}

/** `dots`: of its current version and siblings, as `actor:counter`, in any order. */
export function hashObject(scope: string, name: string, dots: readonly string[]): bigint {
  const text = `${scope}\0${name}\0${[...dots].sort().join(' ')}`;
  return (BigInt(hash32(text, 0x3c6ef372)) << 32n) | BigInt(hash32(text, 0xa54ff53a));
}

/** Sums of branches, from those of leaves. */
export function branchesOf(leaves: Digests): Digests {
  const branches = new BigUint64Array(BRANCHES);
  for (let leaf = 0; leaf < LEAVES; leaf++) {
    const branch = leaf >>> 8;
    branches[branch] = (branches[branch] ?? 0n) + (leaves[leaf] ?? 0n);
  }
  return branches;
}

/** Where two rows of digests differ. */
export function differing(a: Digests, b: Digests): number[] {
  const found: number[] = [];
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) found.push(at);
  return found;
}

export function leavesOfBranch(leaves: Digests, branch: number): Digests {
  return leaves.subarray(branch * 256, branch * 256 + 256);
}

/** MurmurHash3, 32 bits, over UTF-16 code units. */
function hash32(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) {
    let unit = Math.imul(text.charCodeAt(at), 0xcc9e2d51);
    unit = (unit << 15) | (unit >>> 17);
    hash ^= Math.imul(unit, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  hash ^= text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
