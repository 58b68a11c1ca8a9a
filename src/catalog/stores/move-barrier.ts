import type { Session, SetStatement } from '../session.ts';

/** "moving" as a number: no other lock of this kind has it. */
const KEY = 0x6d6f76696e67;

const enter: SetStatement = {
  columns: { key: 'int' },
  text: (rows, { sharedLock }) => `select ${sharedLock('r.key')} from ${rows}`,
};

const close: SetStatement = {
  columns: { key: 'int' },
  text: (rows, { exclusiveLock }) => `select ${exclusiveLock('r.key')} from ${rows}`,
};

/** Who takes something up at a store, and who moves one, do not pass each other. Called before the transaction looks at anything. */
export async function enterAsWorker(session: Session): Promise<void> {
  if (session.engine.concurrentWriters) await session.all(enter, [[KEY]]);
}

/** Waits for all who are taking something up; the others wait until this transaction ends, and see what it did. */
export async function waitForWorkers(session: Session): Promise<void> {
  if (session.engine.concurrentWriters) await session.all(close, [[KEY]]);
}
