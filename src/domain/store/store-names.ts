/** What a store is called. A policy's *node* is any of these (docs/policies.md, "Nodes"). */
export interface StoreNames {
  readonly store: string;
  /** Names that others give it: `urn:node:KNB`. */
  readonly aliases: readonly string[];
  readonly site: string | undefined;
}

/** Whether one of the nodes is this store, by its name, an alias or its site. Exact, letter by letter. */
export function isAmong(names: StoreNames, nodes: readonly string[]): boolean {
  return nodes.some((node) => node === names.store || node === names.site || names.aliases.includes(node));
}
