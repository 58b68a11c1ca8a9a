import type { ReplicaState } from './replica.ts';

/**
 * What is concluded when a store does not hold what the catalog says (docs/versions.md, "Observations").
 *
 * | seen                                  | at the source                                | at a replica                     |
 * |---------------------------------------|----------------------------------------------|----------------------------------|
 * | other token, same bytes               | the token is refreshed                       | the token is refreshed           |
 * | other token, other bytes              | a new version that follows the known one     | `SUSPICIOUS`                     |
 * | other token, not looked at            | `SUSPICIOUS`, looked at before it is served  | `SUSPICIOUS`                     |
 * | same token, other bytes               | `BAD`: bytes rotted, nobody wrote them       | `BAD`                            |
 * | same token, another length came       | `SUSPICIOUS`                                 | `SUSPICIOUS`                     |
 * | a part of bytes whose hash is wrong   | `SUSPICIOUS`                                 | `SUSPICIOUS`                     |
 * | nothing                               | `BAD`: the copy is missing, not the object   | the replica is forgotten         |
 */
export type Finding = 'other-token' | 'wrong-bytes' | 'wrong-length' | 'part-of-wrong-bytes' | 'missing';

/** The replica's state after a finding; `drop`: there is no replica any more. */
export function stateAfterFinding(finding: Finding, role: 'replica' | 'source'): ReplicaState | 'drop' {
  switch (finding) {
    case 'missing':
      return role === 'source' ? 'BAD' : 'drop';
    case 'wrong-bytes':
      return 'BAD';
    case 'other-token':
    case 'wrong-length':
    case 'part-of-wrong-bytes':
      return 'SUSPICIOUS';
  }
}

/** What the catalog knows of the current version at one store; undefined where it knows nothing. */
export interface KnownBytes {
  readonly token: string | undefined;
  readonly sha256: string | undefined;
}

/** What lies there now, read in full. */
export interface SeenBytes {
  readonly token: string;
  readonly sha256: string;
}

/**
 * - `same`: the bytes of the known version; token and verification are recorded anew.
 * - `learnt`: the version's hash was not known until this first full read.
 * - `rotted`: other bytes under the token they were verified under.
 * - `changed`: other bytes, written by somebody.
 */
export type Observation = 'same' | 'learnt' | 'rotted' | 'changed';

export function judgeBytes(known: KnownBytes, seen: SeenBytes): Observation {
  const sameToken = known.token === seen.token;
  if (known.sha256 === undefined) return sameToken ? 'learnt' : 'changed';
  if (known.sha256 === seen.sha256) return 'same';
  return sameToken ? 'rotted' : 'changed';
}
