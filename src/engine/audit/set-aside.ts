import { DARK_DIRECTORY } from '../../domain/object/key.ts';
import { StorageError, type Storage } from '../../ports/storage.ts';
import { HashingBody } from '../hashing-body.ts';

/**
 * The directory of what is set aside in one run: its name is the time, so that its age can be told wherever the store puts files of
 * that time, and a run never meets what another one has put there.
 */
export function darkDirectory(nowMs: number): string {
  const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${DARK_DIRECTORY}${stamp}/`;
}

/** When what lies there was set aside, in milliseconds since 1970; undefined: not by Pando. */
export function setAsideMs(key: string): number | undefined {
  const stamp = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\//.exec(key.slice(DARK_DIRECTORY.length));
  if (stamp === null) return undefined;
  const [, year, month, day, hour, minute, second] = stamp.map(Number) as [number, ...number[]];
  return Date.UTC(year as number, (month as number) - 1, day, hour, minute, second);
}

export interface SetAside {
  readonly key: string;
  readonly token: string;
  /** As `darkDirectory` makes it. */
  readonly directory: string;
  /** Of the mark, where the file has none of its own. */
  readonly operation: string;
  /** Asked directly before the file goes from its key: false leaves it where it is. */
  readonly isStillDark: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Moves a file out of the way, without ever having only half of it: a durable copy first, then the file goes if it is still the same.
 * No store of all kinds can rename under a condition, so the bytes are read and written once. Stopped in between, there are two.
 * Fails as the store fails.
 */
export async function setAside(
  storage: Storage,
  { key, token, directory, operation, isStillDark, signal }: SetAside,
): Promise<'set-aside' | 'not-dark'> {
  const aside = `${directory}${key}`;
  const { head, body } = await storage.get(key, { ifToken: token, signal });
  const hashing = new HashingBody(body);
  const mark = head.mark ?? { operation, sha256: undefined };
  const options = { attributes: head.attributes, mark, size: head.size, signal };
  const staged = await storage.stage(aside, hashing.body, options);
  await storage.flush([staged]);
  const late = head.mark === undefined ? { mark: { operation, sha256: hashing.sha256 } } : {};
  const [published] = await storage.publish([{ staged, options: { ifAbsent: true, ...late } }]);
  if (published === undefined || published instanceof StorageError) throw published ?? new TypeError('no answer');
  const takeBack = () => storage.delete(aside, { ifToken: published.token });
  if (!(await isStillDark())) {
    await takeBack();
    return 'not-dark';
  }
  try {
    await storage.delete(key, { ifToken: token, signal });
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'precondition-failed') await takeBack();
    throw error;
  }
  return 'set-aside';
}
