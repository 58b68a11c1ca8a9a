import fs from 'node:fs';

/** One that has ended meanwhile needs none. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** What is staged is an open file, with a name or without one. */
export function holdsFilesIn(pid: number, directory: string): boolean {
  try {
    const descriptors = fs.readdirSync(`/proc/${pid}/fd`);
    return descriptors.some((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(directory));
  } catch {
    return false;
  }
}

export function isAlive(pid: number): boolean {
  try {
    return !fs.readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false;
  }
}
