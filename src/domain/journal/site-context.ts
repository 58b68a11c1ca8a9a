import type { Dot } from '../object/dot.ts';

/**
 * All that a site has considered (docs/sites.md, "What a site has considered"): per actor every counter up to `upTo`, and of those
 * above it the ones in `beyond`, ascending. Entries that are not meant for the site count as considered.
 */
export type SiteContext = Readonly<Record<string, Considered>>;

export interface Considered {
  readonly upTo: number;
  readonly beyond: readonly number[];
}

export const NOTHING_CONSIDERED: SiteContext = {};

export function covers(context: SiteContext, { actor, counter }: Dot): boolean {
  const considered = context[actor];
  if (considered === undefined) return false;
  return counter <= considered.upTo || considered.beyond.includes(counter);
}

/** The context after these dots were considered as well. */
export function consider(context: SiteContext, dots: Iterable<Dot>): SiteContext {
  const added = new Map<string, number[]>();
  for (const { actor, counter } of dots) {
    const counters = added.get(actor);
    if (counters === undefined) added.set(actor, [counter]);
    else counters.push(counter);
  }
  const result: Record<string, Considered> = { ...context };
  for (const [actor, counters] of added) result[actor] = extend(result[actor], counters);
  return result;
}

/** The context of someone who has considered what either has. */
export function mergeSiteContexts(a: SiteContext, b: SiteContext): SiteContext {
  const result: Record<string, Considered> = { ...a };
  for (const [actor, { upTo, beyond }] of Object.entries(b)) {
    const own = result[actor];
    result[actor] = own === undefined ? { upTo, beyond } : extend({ ...own, upTo: Math.max(own.upTo, upTo) }, beyond);
  }
  return result;
}

/** Whether everything in `b` is in `a`. */
export function includes(a: SiteContext, b: SiteContext): boolean {
  return Object.entries(b).every(([actor, { upTo, beyond }]) => {
    const own = a[actor];
    if (own === undefined) return upTo === 0 && beyond.length === 0;
    return reaches(own, upTo) && beyond.every((counter) => counter <= own.upTo || own.beyond.includes(counter));
  });
}

function reaches({ upTo, beyond }: Considered, counter: number): boolean {
  for (let next = upTo + 1; next <= counter; next++) if (!beyond.includes(next)) return false;
  return true;
}

function extend(own: Considered | undefined, counters: readonly number[]): Considered {
  const upTo = own?.upTo ?? 0;
  const all = [...new Set([...(own?.beyond ?? []), ...counters])].filter((counter) => counter > upTo);
  all.sort((a, b) => a - b);
  let reached = upTo;
  let at = 0;
  for (; all[at] === reached + 1; at++) reached++;
  return { upTo: reached, beyond: all.slice(at) };
}
