import { statSync } from 'node:fs';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';

/** Refuses what `pando put` cannot take. What does not exist is told by whoever opens it. */
export function demandFile(file: string, written: string): void {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there === undefined || there.isFile()) return;
  const [message, remedy] = there.isDirectory()
    ? [
        `${file} is a directory`,
        'name a file; pando sync copies a directory, and pando upload brings one to stores that rules keep',
      ]
    : [`${file} is no file`, `what comes from a pipe is put from stdin: pando put - ${written} < ${file}`];
  throw new ConfigurationError([problemOutsideFiles('put', message, remedy)]);
}
