/** Released replicas in one order, also where thousands were released at the same moment: a page begins where the last one ended. */
export function releasedOrder(): readonly string[] {
  return [
    'drop index replica_released',
    'create index replica_released on replica (store, placed, used_ms, object, version) where used_ms is not null',
  ];
}
