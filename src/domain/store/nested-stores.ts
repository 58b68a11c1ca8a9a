import { pathOfPlace } from './path-of-place.ts';

/** A store that lies inside another one. */
export interface NestedStore {
  readonly place: string;
  readonly name: string;
  /** What its keys begin with as keys of the one around it. */
  readonly prefix: string;
}

interface Configured {
  readonly place: string;
  readonly name: string;
  readonly protocols: readonly { readonly place: string }[];
}

/** As a catalog knows it. */
interface Known {
  readonly store: string;
  readonly title: string;
}

/** The stores strictly inside a place, by whatever protocol, innermost first. The configuration says what they are called. */
export function storesInside(
  outer: string,
  { configured, known }: { readonly configured: Iterable<Configured>; readonly known: Iterable<Known> },
): readonly NestedStore[] {
  const all = [
    ...[...configured].flatMap(({ place, name, protocols }) =>
      [place, ...protocols.map((protocol) => protocol.place)].map((at) => ({ place: at, name })),
    ),
    ...[...known].map(({ store, title }) => ({ place: store, name: title })),
  ];
  const inside = new Map<string, NestedStore>();
  for (const one of all) {
    const prefix = prefixIn(outer, one.place) ?? '';
    if (prefix !== '' && !inside.has(prefix)) inside.set(prefix, { ...one, prefix });
  }
  return [...inside.values()].toSorted((one, other) => other.prefix.length - one.prefix.length);
}

/** The innermost of them that a key of the store around lies in. */
export function storeAt(inside: readonly NestedStore[], key: string): NestedStore | undefined {
  return inside.find(({ prefix }) => key.startsWith(prefix));
}

/** What keys at a place begin with as keys at the place it lies in; '' at the same one, and undefined where it does not lie in it. */
export function prefixIn(outer: string, place: string): string | undefined {
  const [around, path] = [pathOfPlace(outer), pathOfPlace(place)];
  return path.startsWith(around) ? path.slice(around.length) : undefined;
}
