import type { Profile } from './configuration.ts';
import type { Finding } from './problem.ts';
import { suggest } from './suggestion.ts';

/** Whether the stores that limits speak of are there: a limit on a name with a slip in it would hold for nothing. */
export function checkSourcesNamed(
  profiles: Readonly<Record<string, Profile>>,
  names: readonly string[],
): readonly Finding[] {
  return Object.values(profiles).flatMap(({ name, traits, bandwidthFrom }) => {
    const paths = [
      ...Object.keys(traits.transfers.incomingFrom).map((source) => ['limits', 'incoming_from', source]),
      ...Object.keys(bandwidthFrom).map((source) => ['bandwidth_from', source]),
    ];
    return paths.flatMap((within): Finding[] => {
      const source = within.at(-1) as string;
      const path = ['profiles', name, ...within];
      const others = names.filter((other) => other !== name);
      if (source === name)
        return [{ path, at: 'key', message: `is ${name} itself`, remedy: 'name the store the copies come from' }];
      if (others.includes(source)) return [];
      return [{ path, at: 'key', message: 'is not the name of a profile', remedy: suggest(source, others) }];
    });
  });
}
