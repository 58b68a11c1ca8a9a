import { userInfo } from 'node:os';

/** Who asks: the user of the operating system, or its number where it has no name. */
export function findAccount(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'nobody');
  }
}
