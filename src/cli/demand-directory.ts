import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';

/** Refuses a file to be written where there is no directory for it: that is a slip in the argument, and nothing is made. */
export function demandDirectoryOf(file: string): void {
  const directory = dirname(file);
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  const [message, remedy] =
    found === undefined
      ? [`the directory ${directory} does not exist`, 'make it, or write another place']
      : [`${directory} is no directory`, 'write another place'];
  throw new ConfigurationError([problemOutsideFiles('file', message, remedy)]);
}
