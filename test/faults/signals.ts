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
  return openFiles(pid).some((file) => file.startsWith(directory));
}

function openFiles(pid: number): readonly string[] {
  const directory = `/proc/${pid}/fd`;
  try {
    return fs.readdirSync(directory).map((fd) => readLink(`${directory}/${fd}`));
  } catch {
    return [];
  }
}

/** Nothing: it was closed meanwhile. */
function readLink(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    return '';
  }
}

export function isAlive(pid: number): boolean {
  try {
    return !fs.readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false;
  }
}
