/** Does something with each item, at most so many at once; results in the order of the items. The first failure is thrown in the end. */
export async function inParallel<T, R>(
  items: readonly T[],
  atOnce: number,
  act: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const errors: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const [at, item] of queue) {
      try {
        results[at] = await act(item);
      } catch (error) {
        errors.push(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  if (errors.length > 0) throw errors[0];
  return results;
}
