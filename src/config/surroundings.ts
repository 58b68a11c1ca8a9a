import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** What loading asks of the process: handed in, so that a test or an embedding program can give its own. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly directory: string;
  /** Absolute. */
  readonly home: string;
}

export function currentSurroundings(): Surroundings {
  return { environment: process.env, directory: process.cwd(), home: homedir() };
}

/** A variable that is set and not empty: shells set empty ones by accident. */
export function readVariable(surroundings: Surroundings, name: string): string | undefined {
  const value = surroundings.environment[name];
  return value === '' ? undefined : value;
}

/** An absolute path from one written relative to `from` or to the home directory (`~/…`). */
export function resolvePath(path: string, from: string, home: string): string {
  if (path === '~') return home;
  return path.startsWith('~/') ? join(home, path.slice(2)) : resolve(from, path);
}

/**
 * Set where somebody elsewhere has written the command: what lies on this machine is not theirs to name (docs/server.md, "Commands"). What it
 * holds ends what comes on stdin.
 */
export const AT_SERVER = 'PANDO_AT_SERVER';

export function isAtServer(surroundings: Surroundings): boolean {
  return readVariable(surroundings, AT_SERVER) !== undefined;
}

/** Whether this is a path of this machine; of somebody elsewhere nothing is. */
export function existsHere(path: string, surroundings: Surroundings): boolean {
  return !isAtServer(surroundings) && existsSync(path);
}
