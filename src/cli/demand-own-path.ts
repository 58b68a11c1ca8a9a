import { FOREIGN_ADDRESS, isForeignAddress, remedyOfForeignAddress } from '../config/foreign-address.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { currentSurroundings, existsHere } from '../config/surroundings.ts';

/** Refuses the address of a place at another machine where a file of this one is to be named. `what`: the argument. */
export function demandOwnPath(what: string, written: string): void {
  if (!isForeignAddress(written) || existsHere(written, currentSurroundings())) return;
  const message = `${JSON.stringify(written)} ${FOREIGN_ADDRESS}`;
  throw new ConfigurationError([problemOutsideFiles(what, message, remedyOfForeignAddress(written))]);
}
