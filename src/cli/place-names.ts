import type { Configuration } from '../config/configuration.ts';
import { findProfile } from '../config/find-profile.ts';
import type { Target } from '../config/resolve-target.ts';
import { escapeKey } from '../domain/object/key.ts';

/** What the user calls objects: those of a place that no profile names by the path as it was written, for its scope is made up. */
export class PlaceNames {
  /** By scope: what stands before the names of its objects. */
  readonly #written = new Map<string, string>();

  note(written: string, { profile, path }: Target, configuration: Configuration): void {
    if (findProfile(configuration, profile.name) === profile) return;
    const before = written.endsWith(path) ? written.slice(0, written.length - path.length) : (profile.title ?? written);
    const isWhole = before === '' || before.endsWith('/');
    this.#written.set(profile.name, isWhole ? before : `${before}/`);
  }

  /** Printable, on one line. */
  call(scope: string, name: string): string {
    return escapeKey(`${this.#written.get(scope) ?? `${scope}:`}${name}`);
  }

  /** Rewrites the message of an error about an object, which knows the scope only. */
  rename(error: unknown): void {
    if (!(error instanceof Error) || !('object' in error) || typeof error.object !== 'string') return;
    const { object, message } = error;
    const [scope = ''] = object.split(':', 1);
    const written = this.#written.get(scope);
    if (written === undefined || !message.startsWith(object)) return;
    error.message = `${escapeKey(written)}${object.slice(scope.length + 1)}${message.slice(object.length)}`;
  }
}
