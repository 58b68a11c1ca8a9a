import { findProfile } from '../config/find-profile.ts';
import { loadConfiguration } from '../config/load.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { suggestProfile } from '../config/suggestion.ts';
import type { ClientSession, OpensSession } from './client-session.ts';
import { openSession } from './open-session.ts';

/** Which profile a client works on, and how it is opened. */
export class StorageClientConfig implements OpensSession {
  readonly profile: string;
  readonly #open: () => Promise<ClientSession>;

  constructor(profile: string, open: () => Promise<ClientSession>) {
    this.profile = profile;
    this.#open = open;
  }

  /**
   * A profile of the configuration file at `path`, or of the one that is found (docs/configuration.md). Throws a
   * `ConfigurationError` with everything that is wrong with the file, or where it has no such profile.
   */
  static fromFile({ profile, path }: { readonly profile: string; readonly path?: string }): StorageClientConfig {
    const configuration = loadConfiguration({ config: path });
    const found = findProfile(configuration, profile);
    if (found === undefined) {
      const message = `the profile ${profile} does not exist in ${configuration.file ?? 'any configuration file'}`;
      const names = Object.keys(configuration.profiles);
      const remedy = suggestProfile(profile, names);
      throw new ConfigurationError([problemOutsideFiles('profile', message, remedy)]);
    }
    return new StorageClientConfig(found.name, () => openSession(configuration, found));
  }

  open(): Promise<ClientSession> {
    return this.#open();
  }
}
