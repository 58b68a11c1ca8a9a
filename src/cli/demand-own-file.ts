import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { currentSurroundings, isAtServer } from '../config/surroundings.ts';

/** Refuses to open a file for somebody who is not on this machine (docs/server.md, "Commands"). `what`: the option that names it. */
export function demandOwnFile(what: string, file: string): void {
  if (!isAtServer(currentSurroundings())) return;
  const message = `${file} would be a file of the machine the server runs on`;
  throw new ConfigurationError([
    problemOutsideFiles(what, message, 'carry the command out there; where it reads stdin, write - and feed it'),
  ]);
}
