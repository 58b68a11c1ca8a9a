/** Nobody else carries out the pages of a sync or verify. */
export function describeNoWorker(waitedMs: number): string {
  const seconds = Math.round(waitedMs / 1000);
  return (
    `no worker has taken a page for ${seconds} s: start \`pando worker\` with this catalog and profiles for these stores, ` +
    'on any machine; until then this process carries pages out alone'
  );
}

/** Workers of a run that was killed are waited for. */
export function describeSettling(waitMs: number): string {
  const seconds = Math.ceil(waitMs / 1000);
  return `the sync before this one was killed, and its workers may copy for ${seconds} s yet: waiting for that`;
}
