import { userInfo } from 'node:os';

/** Who runs this process, as the operating system tells it. */
export interface SystemUser {
  readonly name: string;
  readonly isRoot: boolean;
}

export function systemUser(): SystemUser {
  const uid = process.getuid?.();
  try {
    return { name: userInfo().username, isRoot: uid === 0 };
  } catch {
    // A user id without a name, as in some containers.
    return { name: `uid.${String(uid ?? 'unknown')}`, isRoot: uid === 0 };
  }
}
