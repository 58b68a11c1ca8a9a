/**
 * Loops that go on beside each other, until `stop` is aborted: where one fails the others are stopped, and have given back what they
 * hold before the failure is told.
 */
export async function besideEachOther<Loops extends readonly Promise<unknown>[]>(
  stop: { readonly signal: { readonly reason: unknown }; abort(reason: unknown): void },
  loops: readonly [...Loops],
): Promise<{ -readonly [At in keyof Loops]: Awaited<Loops[At]> }> {
  for (const loop of loops) loop.catch((error: unknown) => stop.abort(error));
  const ends = await Promise.allSettled(loops);
  for (const end of ends) if (end.status === 'rejected' && end.reason === stop.signal.reason) throw end.reason;
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return ends.map((end) => (end.status === 'fulfilled' ? end.value : undefined)) as {
    -readonly [At in keyof Loops]: Awaited<Loops[At]>;
  };
}
