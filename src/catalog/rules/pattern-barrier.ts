import type { Session, SetStatement } from '../session.ts';

/** "patter" as a number: no other lock of this kind has it. */
const KEY = 0x706174746572;

const enter: SetStatement = {
  columns: { key: 'int' },
  text: (rows, { sharedLock }) => `select ${sharedLock('r.key')} from ${rows}`,
};

const close: SetStatement = {
  columns: { key: 'int' },
  text: (rows, { exclusiveLock }) => `select ${exclusiveLock('r.key')} from ${rows}`,
};

/**
 * Who makes objects and who makes a rule with a pattern do not pass each other: either the rule finds the objects, or their maker
 * finds the rule. Called before the maker looks for rules.
 */
export async function enterAsMaker(session: Session): Promise<void> {
  if (session.engine.concurrentWriters) await session.all(enter, [[KEY]]);
}

/** Waits for all who are making objects; the others wait until this transaction ends. Called before any row is locked. */
export async function waitForMakers(session: Session): Promise<void> {
  if (session.engine.concurrentWriters) await session.all(close, [[KEY]]);
}
