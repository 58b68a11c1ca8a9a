import { hostname } from 'node:os';
import type { Holder } from '../ports/catalog.ts';
import type { Processes } from '../ports/processes.ts';

/** A process id that was given to another program counts as alive: a lease then only waits for its end, which is safe. */
export const systemProcesses: Processes = {
  self: { host: hostname(), pid: process.pid, startedMs: Math.trunc(Date.now() - process.uptime() * 1000) },
  isDead({ host, pid }: Holder) {
    if (host !== hostname()) return false;
    try {
      process.kill(pid, 0);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    }
  },
};
