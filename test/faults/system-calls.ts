/** One system call of a traced program; `start` and `end` are its places in the trace, and what lies between ran beside it. */
export interface SystemCall {
  readonly pid: number;
  readonly name: string;
  /** As printed. */
  readonly args: string;
  /** Negative or NaN where it failed or never returned. */
  readonly result: number;
  /** Path of the file it opened; a file without a name has one that is like no other. */
  readonly opened: string | undefined;
  readonly start: number;
  readonly end: number;
}

/** Reads what `strace -f -y` wrote. Calls that were interrupted by others' lines are put together again. */
export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, { readonly args: string; readonly start: number }>();
  for (const [at, line] of text.split('\n').entries()) {
    const match = /^(\d+)\s+(?:<\.\.\. (\w+) resumed>|(\w+)\()(.*)$/s.exec(line);
    if (match === null) continue;
    const [, pid = '', resumed, begun, rest = ''] = match;
    const name = resumed ?? begun ?? '';
    const id = `${pid} ${name}`;
    if (rest.endsWith('<unfinished ...>')) {
      open.set(id, { args: rest.slice(0, -'<unfinished ...>'.length), start: at });
      continue;
    }
    const before = resumed === undefined ? undefined : open.get(id);
    open.delete(id);
    const whole = (before?.args ?? '') + rest;
    const end = whole.lastIndexOf(' = ');
    const args = whole
      .slice(0, end)
      .trimEnd()
      .replace(/\s*\)$/, '');
    const answer = whole.slice(end + 3);
    const opened = /^\d+<(.*?)(?: \(deleted\))?>(?:\(deleted\))?$/.exec(answer.trim())?.[1];
    const result = Number.parseInt(answer, 10);
    calls.push({ pid: Number(pid), name, args, result, opened, start: before?.start ?? at, end: at });
  }
  return calls;
}

/** What must be traced for `findOrderBreaches`. */
export const TRACED =
  'openat,write,pwrite64,writev,pwritev,copy_file_range,sendfile,ftruncate,fsync,fdatasync,syncfs,rename,renameat,renameat2,link,linkat,mkdir';
