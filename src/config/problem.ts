/** Where a value stands in a configuration: `['profiles', 'my-dataset', 'replicas', 0]`. */
export type ConfigurationPath = readonly (string | number)[];

/** One thing that is wrong, where, and how to mend it. Never contains a secret. */
export interface ConfigurationProblem {
  /** `profiles.my-dataset.replicas[0].read_priority`, or the name of the flag or environment variable; '' is the whole file. */
  readonly path: string;
  /** Undefined where the problem is not in a file. */
  readonly file: string | undefined;
  /** Both from 1. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly message: string;
  readonly remedy: string;
}

/** The user's error: everything that is wrong with a configuration, or with what `subject` says, at once. */
export class ConfigurationError extends Error {
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[], options: ErrorOptions & { readonly subject?: string } = {}) {
    const { subject = 'The configuration', ...rest } = options;
    super(formatProblems(problems, subject), rest);
    this.name = 'ConfigurationError';
    this.problems = problems;
  }
}

/** A problem before it is known on which line it stands. `at: 'key'` points at the name, not at the value. */
export interface Finding {
  readonly path: ConfigurationPath;
  readonly at?: 'key' | 'value';
  readonly message: string;
  readonly remedy: string;
}

/** A problem outside any file: a flag, an environment variable, an argument. */
export function problemOutsideFiles(path: string, message: string, remedy: string): ConfigurationProblem {
  return { path, file: undefined, line: undefined, column: undefined, message, remedy };
}

export function formatPath(path: ConfigurationPath): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (!/^[\w-]+$/.test(segment)) text += `[${JSON.stringify(segment)}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}

function formatProblems(problems: readonly ConfigurationProblem[], subject: string): string {
  const [first] = problems;
  if (problems.length === 1 && first?.file === undefined) return `${first?.message}\n  → ${first?.remedy}`;
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  const isInFile = problems.some(({ file }) => file !== undefined);
  return [`${isInFile ? `${subject} has` : 'There are'} ${count}:`, ...problems.map(formatProblem)].join('\n');
}

function formatProblem({ file, line, column, path, message, remedy }: ConfigurationProblem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const where = [place, path].filter((part) => part !== '').join('  ');
  return `  ${where}\n    ${message}\n    → ${remedy}`;
}
