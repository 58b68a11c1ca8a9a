import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Configuration } from '../../src/config/configuration.ts';
import { parseConfiguration } from '../../src/config/load.ts';
import { ConfigurationError } from '../../src/config/problem.ts';
import type { ConfigurationProblem } from '../../src/config/problem.ts';
import type { Surroundings } from '../../src/config/surroundings.ts';

/** One profile, `data`; more of its keys may be appended. */
export const ONE = 'profiles:\n  data:\n    storage_provider: { type: file, options: { base_path: /data } }\n';

/** A process with nothing in its environment but what a test says. */
export function surroundingsOf(environment: Record<string, string> = {}, directory = '/work-directory'): Surroundings {
  return { environment, directory, home: '/home/someone' };
}

/** Reads a text as if it were `/etc/pando/pando.yaml`. */
export function configure(text: string, environment: Record<string, string> = {}): Configuration {
  return parseConfiguration(text, { file: '/etc/pando/pando.yaml', surroundings: surroundingsOf(environment) });
}

export function errorOf(action: () => unknown): ConfigurationError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('no problem was found');
}

export function problemsOf(text: string, environment: Record<string, string> = {}): readonly ConfigurationProblem[] {
  return errorOf(() => configure(text, environment)).problems;
}

/** `path: message`, which is what most tests ask about. */
export function briefly(problems: readonly ConfigurationProblem[]): string[] {
  return problems.map((problem) => `${problem.path}: ${problem.message}`);
}

export function temporaryDirectory(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'pando-config-')));
}

/** Profiles of type file, named after their directories below `root`. */
export function fileProfiles(root: string, profiles: Record<string, readonly string[]>): string {
  const sections = Object.entries(profiles).map(([name, replicas]) => {
    const entries = replicas.map((replica, i) => `      - { replica_profile: ${replica}, read_priority: ${i + 1} }\n`);
    const list = entries.length === 0 ? '' : `    replicas:\n${entries.join('')}`;
    return `  ${name}:\n    storage_provider: { type: file, options: { base_path: ${root}/${name} } }\n${list}`;
  });
  return `profiles:\n${sections.join('')}`;
}
