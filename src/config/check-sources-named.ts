import type { Profile } from './configuration.ts';
import type { Finding } from './problem.ts';
import { suggest } from './suggestion.ts';

/** Whether the stores that limits speak of are there: a limit on a name with a slip in it would hold for nothing. */
export function checkSourcesNamed(
  profiles: Readonly<Record<string, Profile>>,
  names: readonly string[],
): readonly Finding[] {
  return Object.values(profiles).flatMap(({ name, traits }) =>
    Object.keys(traits.transfers.incomingFrom).flatMap((source): Finding[] => {
      const path = ['profiles', name, 'limits', 'incoming_from', source];
      const others = names.filter((other) => other !== name);
      if (source === name)
        return [{ path, at: 'key', message: `is ${name} itself`, remedy: 'name the store the copies come from' }];
      if (others.includes(source)) return [];
      return [{ path, at: 'key', message: 'is not the name of a profile', remedy: suggest(source, others) }];
    }),
  );
}
