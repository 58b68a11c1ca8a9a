import { warmSqliteThread } from './catalog/open-sqlite.ts';
import { warmListing } from './storage/file/listing.ts';

/**
 * Threads that a command which moves files will ask for, begun while its own code is loaded: a thread takes as long to start as a thousand
 * files to be copied. One that is not asked for ends with the process.
 */
export function startThreads(): void {
  warmSqliteThread();
  warmListing();
}
