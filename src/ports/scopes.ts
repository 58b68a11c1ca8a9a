export interface OpenScope {
  readonly name: string;
  /** The profile's name, or the URL or path as the user wrote it; shown in lists. */
  readonly title: string;
  /** What the scope of this source was called before a profile named it: what is known of it goes on under the new name. */
  readonly formerly?: string;
  /** Place of the source store. Undefined: it has none; one it had before stays, and its title. */
  readonly source: string | undefined;
  readonly replicas: readonly { readonly store: string; readonly title: string; readonly priority: number }[];
  /** False for a run that names its targets by hand: they are opened, the standing rule stays as it is. */
  readonly standing: boolean;
}

/** `elsewhere`: objects of that name are known from another source, where `source` says. Nothing was changed. */
export type ScopeOpened = { readonly kind: 'opened' } | { readonly kind: 'elsewhere'; readonly source: string };
