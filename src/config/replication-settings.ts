import type { ReplicationSettings } from './configuration.ts';
import type { ReplicationInput } from './schema.ts';

/** Well below the minute after which much that stands between a client and a server gives up. */
const SYNC_TIMEOUT_MS = 30_000;

/** Every setting of `replication` that was not said at its default. */
export function makeReplicationSettings(said: ReplicationInput = {}): ReplicationSettings {
  return {
    enabled: said.enabled ?? true,
    mode: said.mode ?? 'async',
    remoteUrl: said.remote_url,
    remoteToken: said.remote_token,
    batchSize: said.batch_size ?? 100,
    batchIntervalMs: said.batch_interval ?? 1_000,
    retryAttempts: said.retry_attempts ?? 3,
    retryDelayMs: said.retry_delay ?? 5_000,
    syncCopies: said.sync_copies,
    syncTimeoutMs: said.sync_timeout ?? SYNC_TIMEOUT_MS,
    backlogBytesMax: said.max_backlog,
    peerAlarmMs: said.peer_alarm ?? 7 * 86_400_000,
    forwardAfterMs: said.forward_after ?? 15 * 60_000,
    undoMs: said.undo_window ?? 86_400_000,
    peers: (said.peers ?? []).map(({ id, url, token, scopes, mode, direction }) => ({
      id,
      url,
      token,
      scopes,
      mode: mode ?? said.mode ?? 'async',
      direction: direction ?? 'both',
    })),
    accept: said.accept ?? [],
    conflicts: said.conflicts ?? {},
  };
}

/** What a command line says of replication comes before the file. */
export interface ReplicationFlags {
  readonly replicationEnabled?: boolean | undefined;
  readonly replicationRemote?: string | undefined;
  readonly replicationToken?: string | undefined;
}

/** Undefined: neither says anything. */
export function withReplication(
  said: ReplicationSettings | undefined,
  { replicationEnabled, replicationRemote, replicationToken }: ReplicationFlags,
): ReplicationSettings | undefined {
  const flags = {
    ...(replicationEnabled === undefined ? {} : { enabled: replicationEnabled }),
    ...(replicationRemote === undefined ? {} : { remoteUrl: replicationRemote }),
    ...(replicationToken === undefined ? {} : { remoteToken: replicationToken }),
  };
  if (Object.keys(flags).length === 0) return said;
  return { ...(said ?? makeReplicationSettings()), ...flags };
}
