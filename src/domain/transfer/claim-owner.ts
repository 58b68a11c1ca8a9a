/** A process as it signs its claims: printable, and read again by whoever wants to know whether it is still there. */
export interface ClaimOwner {
  readonly host: string;
  readonly pid: number;
}

export function describeOwner({ host, pid }: ClaimOwner): string {
  return `${host}, process ${pid}`;
}

/** Undefined: somebody else's words. */
export function readOwner(owner: string): ClaimOwner | undefined {
  const [, host, pid] = /^(.+), process (\d+)$/.exec(owner) ?? [];
  return host === undefined ? undefined : { host, pid: Number(pid) };
}
