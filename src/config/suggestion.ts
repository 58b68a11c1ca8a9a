import { findNearestWord } from '../domain/nearest-word.ts';

/** `did you mean X?`, or the list of what there is. */
export function suggest(word: string, candidates: readonly string[]): string {
  // A profile that was given a number, because the catalog knows its name from elsewhere (pando init).
  const numbered = candidates.find((one) => one.startsWith(`${word}-`) && /^\d+$/.test(one.slice(word.length + 1)));
  const nearest = numbered ?? findNearestWord(word, candidates);
  if (nearest !== undefined) return `did you mean ${nearest}?`;
  return candidates.length === 0 ? 'remove it' : `use one of ${candidates.join(', ')}`;
}

/** Of a profile that there is not. */
export function suggestProfile(name: string, profiles: readonly string[]): string {
  return profiles.length === 0 ? 'write a configuration first: pando init' : suggest(name, profiles);
}
