import type { Configuration, Profile } from './configuration.ts';

/** The profile of a name: a lookup that `constructor` and its like do not fool, in whichever process. */
export function findProfile(configuration: Pick<Configuration, 'profiles'>, name: string): Profile | undefined {
  return Object.hasOwn(configuration.profiles, name) ? configuration.profiles[name] : undefined;
}
