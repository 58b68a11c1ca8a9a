import { findNearestWord } from '../domain/nearest-word.ts';

/** `did you mean X?`, or the list of what there is. */
export function suggest(word: string, candidates: readonly string[]): string {
  const nearest = findNearestWord(word, candidates);
  if (nearest !== undefined) return `did you mean ${nearest}?`;
  return candidates.length === 0 ? 'remove it' : `use one of ${candidates.join(', ')}`;
}
