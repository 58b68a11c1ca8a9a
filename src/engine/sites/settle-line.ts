import type { SettledEntry } from '../../ports/journal.ts';
import type { SentOutcome } from '../../ports/peer-link.ts';

export interface Attempt {
  /** It was to go with its bytes. */
  readonly withBytes: boolean;
  /** They could be read. */
  readonly hadBytes: boolean;
  /** What did not go well is tried again after this. */
  readonly againAfterMs: number;
  /** What the peer has taken up is offered again after this. */
  readonly handedMs: number;
}

/** What becomes of a line in the outbox by what the peer answered; `with-bytes`: it goes once more at once. */
export function settleLine(
  outcome: SentOutcome | undefined,
  { withBytes, hadBytes, againAfterMs, handedMs }: Attempt,
): SettledEntry['to'] | 'with-bytes' {
  const retry = (error: string): SettledEntry['to'] => ({ kind: 'retry', afterMs: againAfterMs, error });
  switch (outcome?.kind) {
    case 'applied':
    case 'conflict':
    case 'older':
    case 'duplicate':
    case 'purged':
      return { kind: 'acknowledged' };
    case 'taken-up':
      return { kind: 'handed', againAfterMs: handedMs };
    case 'refused':
      return { kind: 'dead', error: outcome.why };
    case 'bytes-wanted':
      if (!withBytes) return 'with-bytes';
      return retry(hadBytes ? 'its bytes arrived damaged' : 'its bytes cannot be read here');
    case 'stale':
    case undefined:
      return retry('the peer gave no answer for it');
  }
}
