import { isMissing } from './sftp-errors.ts';
import type { SftpPlace } from './sftp-place.ts';
import type { SftpSession } from './sftp-session.ts';

/** Files flushed at once; the server does one after the other, and the way to it is used meanwhile. */
const FLUSHES_AT_ONCE = 16;

/** Flushes every file and directory below one, and it: SFTP has no flush of a whole file system. What vanishes meanwhile needs none. */
export async function flushTree(place: SftpPlace, session: SftpSession, directory = ''): Promise<void> {
  const below = directory === '' ? '' : `${directory}/`;
  const names = await session.readDirectory(place.pathOf(directory)).catch((error: unknown) => {
    if (directory !== '' && isMissing(error)) return [];
    throw error;
  });
  const files = names.filter(({ status }) => status.kind === 'file').values();
  const work = async (): Promise<void> => {
    for (const { name } of files) await flushFile(session, place.pathOf(below + name));
  };
  await Promise.all(Array.from({ length: FLUSHES_AT_ONCE }, work));
  for (const { name, status } of names) if (status.kind === 'directory') await flushTree(place, session, below + name);
  await place.flushDirectory(session, directory);
}

async function flushFile(session: SftpSession, path: string): Promise<void> {
  try {
    const handle = await session.openForReading(path);
    await Promise.all([session.fsync(handle), session.close(handle)]);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
