import type { Tree, TreeEntry } from '../list-tree.ts';
import { modifiedNsOf } from './get-object.ts';
import { isMissing, isUnexplained } from './sftp-errors.ts';
import type { SftpPlace } from './sftp-place.ts';
import type { SftpName, SftpSession } from './sftp-session.ts';

/** What ssh2 makes of bytes that are not UTF-8; some names have it in truth. */
const REPLACEMENT = '\ufffd';

/** A place as a tree to be listed. */
export function sftpTree(place: SftpPlace): Tree {
  return {
    store: place.store,
    linkMessage: 'a symbolic link is not followed in this store',
    async read(directory) {
      try {
        const session = await place.session();
        const path = place.pathOf(directory.slice(0, -1));
        // Its last part may be a link too; that of the root is the user's own business.
        if (directory !== '') await place.checkParent(session, `${directory}.`);
        const names = await session.readDirectory(path);
        return await Promise.all(names.map((one) => toEntry(session, path, one, names)));
      } catch (error) {
        if (isMissing(error) || (isUnexplained(error) && (await isNoDirectory(place, directory)))) return undefined;
        throw await place.toError(error, directory === '' ? undefined : directory);
      }
    },
  };
}

async function toEntry(
  session: SftpSession,
  directory: string,
  { name, status }: SftpName,
  names: readonly SftpName[],
): Promise<TreeEntry> {
  const isName = !name.includes(REPLACEMENT) || (await isThere(session, directory, name, names));
  const { kind, size, token } = status;
  return { name: isName ? name : Buffer.from(name, 'utf8'), kind, size, token, modifiedNs: modifiedNsOf(status) };
}

/** A name with U+FFFD in it that is found by that name, and is the only one that reads so, is what it seems to be. */
async function isThere(
  session: SftpSession,
  directory: string,
  name: string,
  names: readonly SftpName[],
): Promise<boolean> {
  if (names.filter((other) => other.name === name).length > 1) return false;
  return session.lstat(`${directory}/${name}`).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}

async function isNoDirectory(place: SftpPlace, directory: string): Promise<boolean> {
  const status = await (await place.session()).lstat(place.pathOf(directory.slice(0, -1))).catch(() => undefined);
  return status !== undefined && status.kind !== 'directory';
}
