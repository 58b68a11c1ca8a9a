import childProcess from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import workerThreads from 'node:worker_threads';
import { startedFile } from './started-files.ts';

// Nearly every test opens a catalog and copies files, each with threads of its own: most of their time would be the start of these.
const { Worker } = workerThreads;
const { fork } = childProcess;

const bundled = <T>(entry: T): T | URL =>
  entry instanceof URL && entry.protocol === 'file:' ? pathToFileURL(startedFile(fileURLToPath(entry))) : entry;

workerThreads.Worker = class extends Worker {
  constructor(entry: string | URL, options?: workerThreads.WorkerOptions) {
    super(bundled(entry), options);
  }
};
childProcess.fork = ((entry: string | URL, ...rest: [string[], childProcess.ForkOptions]) =>
  fork(bundled(entry), ...rest)) as typeof fork;
syncBuiltinESMExports();
