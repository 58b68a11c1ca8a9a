import type { Session, SetStatement } from './session.ts';

/** What two kinds of transactions would pass each other at, each with a number that no other lock has. */
const KEYS = {
  /** "patter" as a number: who makes objects, and who makes a rule with a pattern. */
  patterns: 0x706174746572,
  /** "turn" as a number: only closed. Who counts what is in hand and then takes does so after the others. */
  turns: 0x7475726e,
  /** "moving" as a number: who takes something up at a store, and who moves one or declares it lost. */
  moves: 0x6d6f76696e67,
} as const;

const share: SetStatement = {
  columns: { key: 'int' },
  text: (rows, { sharedLock }) => `select ${sharedLock('r.key')} from ${rows}`,
};

const close: SetStatement = {
  columns: { key: 'int' },
  text: (rows, { exclusiveLock }) => `select ${exclusiveLock('r.key')} from ${rows}`,
};

/** Many at once, until the transaction ends; waits for who closed it. Called before what it guards is read. */
export async function enterBarrier(session: Session, at: keyof typeof KEYS): Promise<void> {
  if (session.engine.concurrentWriters) await session.all(share, [[KEYS[at]]]);
}

/** Waits for all who entered; the others wait until this transaction ends, and see what it did. Called before any row is locked. */
export async function closeBarrier(session: Session, at: keyof typeof KEYS): Promise<void> {
  if (session.engine.concurrentWriters) await session.all(close, [[KEYS[at]]]);
}
