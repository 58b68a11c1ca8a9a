import type { PlaceSeen } from '../../domain/audit/judge-place.ts';
import { settledToken } from '../../domain/transfer/settled-token.ts';
import type { ReplicaChange } from '../../ports/catalog.ts';
import type { ReadOutcome } from '../../ports/copy-pool.ts';
import { judgeCopy } from '../verify/judge-copy.ts';
import type { ExpectedCopy } from './catalog-snapshot.ts';

export interface CopyRead {
  readonly expected: ExpectedCopy;
  readonly read: ReadOutcome;
  /** Place of the store. */
  readonly store: string;
  /** It is the source of the object's scope: what is written there is the object. */
  readonly isSource: boolean;
  /** The reading began after then, in milliseconds since 1970. */
  readonly readAfterMs: number;
}

export interface ReadJudged {
  readonly seen: PlaceSeen;
  /** Of what was read. */
  readonly token: string | undefined;
  readonly detail: string;
  /** What the catalog is told of a copy that is right; undefined: nothing that it does not know. */
  readonly replica: ReplicaChange | undefined;
}

/** What a copy turned out to be when it was read from its first byte to its last. */
export function judgeRead(copy: CopyRead): ReadJudged {
  const { expected, read } = copy;
  const nothing = { token: undefined, replica: undefined };
  if (read.kind === 'failed') {
    const { kind, message } = read.failure;
    if (kind === 'not-found') return { ...nothing, seen: { kind: 'absent' }, detail: 'it is not there any more' };
    return { ...nothing, seen: { kind: 'unreachable' }, detail: message };
  }
  const { head, sha256 } = read;
  const { token } = head;
  const isSameToken = token === expected.token;
  const told = (bytes: 'recorded' | 'other-version' | 'wrong', detail: string): ReadJudged => ({
    seen: { kind: 'present', bytes },
    token,
    detail,
    replica: undefined,
  });
  if (expected.sha256 === undefined) {
    if (!isSameToken || head.size !== expected.bytes) return told('other-version', 'it was written by somebody else');
    return { ...told('recorded', ''), replica: confirmed(copy, head, sha256) };
  }
  const judged = judgeCopy({
    copy: { head, sha256 },
    known: isSameToken ? { isCurrent: true } : undefined,
    sha256: expected.sha256,
    formerSha256: undefined,
    source: { size: expected.bytes, modifiedNs: expected.modifiedNs },
  });
  if (judged === 'intact') return { ...told('recorded', ''), replica: confirmed(copy, head, undefined) };
  if (copy.isSource && !isSameToken && isWrittenAgain(head, expected))
    return told('other-version', 'it was written again since it was looked at');
  if (judged === 'stale') return told('other-version', 'it holds another version, or what somebody else wrote');
  const size = head.size === expected.bytes ? '' : `, ${head.size} of ${expected.bytes} bytes`;
  return told('wrong', `its sha256 is ${sha256}${size}`);
}

function confirmed(
  { expected, store, readAfterMs }: CopyRead,
  head: { readonly token: string; readonly modifiedNs: bigint | undefined },
  learnt: string | undefined,
): ReplicaChange | undefined {
  const { scope, name, versionId, place, state, verification } = expected;
  const token = settledToken(head.token, head.modifiedNs, readAfterMs);
  const isKnown = state === 'AVAILABLE' && verification === 'read-back' && token === expected.token;
  // A row without a token cannot be told apart from one that is made anew meanwhile.
  if ((isKnown && learnt === undefined) || expected.token === undefined) return undefined;
  const to = { state: 'AVAILABLE', place, token, verification: 'read-back' } as const;
  return {
    scope,
    name,
    versionId,
    store,
    to,
    ifToken: expected.token,
    ...(learnt === undefined ? {} : { sha256: learnt }),
  };
}

const MILLISECOND_NS = 1_000_000n;

/** A disk that fails changes no times; and not every tool that sets a time sets what is below a millisecond. */
function isWrittenAgain(
  head: { readonly size: number; readonly modifiedNs: bigint | undefined },
  { bytes, modifiedNs }: Pick<ExpectedCopy, 'bytes' | 'modifiedNs'>,
): boolean {
  if (head.size !== bytes) return true;
  // What nobody knows the time of may be somebody's, and is never written over.
  if (head.modifiedNs === undefined || modifiedNs === undefined) return true;
  const apartNs = head.modifiedNs - modifiedNs;
  return apartNs >= MILLISECOND_NS || apartNs <= -MILLISECOND_NS;
}
