import type { Context, Dot } from '../object/dot.ts';
import type { HybridTime } from '../object/hybrid-clock.ts';
import type { Content } from '../object/version.ts';
import type { SiteContext } from './site-context.ts';

/** One change of a site's namespace, as it travels between sites (docs/sites.md, "The journal"). */
export type Entry = VersionEntry | PurgeEntry;

interface AnyEntry {
  readonly dot: Dot;
  readonly time: HybridTime;
  /** Id of the site that made the change. */
  readonly origin: string;
  /** UUIDv7. */
  readonly operation: string;
  readonly scope: string;
  /** Ids of the sites it is known to, or on its way to: nobody sends it to these again. */
  readonly addressed: readonly string[];
}

/** An object was written, or deleted: `content` says which. */
export interface VersionEntry extends AnyEntry {
  readonly kind: 'version';
  readonly name: string;
  /** What its writer had seen of the object. */
  readonly context: Context;
  readonly content: Content;
  /** Older changes of the object that this one has seen and whose own entries are not sent: they are considered with it. */
  readonly also?: readonly Dot[];
}

/** All objects of a scope that `seen` covers are gone; others, which the purge did not see, stay. */
export interface PurgeEntry extends AnyEntry {
  readonly kind: 'purge-scope';
  readonly seen: SiteContext;
}
