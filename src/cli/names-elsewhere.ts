import type { Configuration } from '../config/configuration.ts';
import { type ConfigurationProblem, ConfigurationError } from '../config/problem.ts';

/**
 * What is wrong with the names of profiles that the catalog knows with another source. Where it cannot be asked the first command
 * will tell.
 */
export async function findNamesElsewhere(
  configuration: Configuration,
): Promise<ReadonlyMap<string, ConfigurationProblem>> {
  const { Pando } = await import('../compose.ts');
  await using pando = new Pando(configuration);
  const found = new Map<string, ConfigurationProblem>();
  for (const profile of Object.values(configuration.profiles)) {
    try {
      await pando.checkSource(profile);
    } catch (error) {
      if (error instanceof Error && error.name === 'CatalogError') break;
      if (!(error instanceof ConfigurationError)) throw error;
      for (const problem of error.problems) found.set(profile.name, problem);
    }
  }
  return found;
}
