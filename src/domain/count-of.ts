/** `1 object`, `2 objects`: of words whose plural takes an s. */
export function countOf(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`;
}
