/**
 * One change, named for ever: the actor (a slot's incarnation, 16 hex digits, random) and its counter (docs/versions.md, "Dots").
 */
export interface Dot {
  readonly actor: string;
  readonly counter: number;
}

/** What a writer had seen of one object: per actor the highest counter. A version follows all it contains. */
export type Context = Readonly<Record<string, number>>;

export type CausalOrder = 'equal' | 'before' | 'after' | 'concurrent';

export interface Clocked {
  readonly dot: Dot;
  readonly context: Context;
}

export function hasSeen(context: Context, dot: Dot): boolean {
  return (context[dot.actor] ?? 0) >= dot.counter;
}

export function mergeContexts(a: Context, b: Context): Context {
  const merged: Record<string, number> = { ...a };
  for (const [actor, counter] of Object.entries(b)) merged[actor] = Math.max(merged[actor] ?? 0, counter);
  return merged;
}

/** The context of a version written by someone who saw `version`. */
export function contextAfter(version: Clocked): Context {
  return mergeContexts(version.context, { [version.dot.actor]: version.dot.counter });
}

/** Order of two versions of one object. Total: a missing entry is 0. */
export function compareVersions(a: Clocked, b: Clocked): CausalOrder {
  if (a.dot.actor === b.dot.actor && a.dot.counter === b.dot.counter) return 'equal';
  if (hasSeen(b.context, a.dot)) return 'before';
  if (hasSeen(a.context, b.dot)) return 'after';
  return 'concurrent';
}
