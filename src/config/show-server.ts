import type { ReplicationSettings, ServerSettings } from './configuration.ts';
import { formatBytes, formatDuration } from './quantity.ts';
import { MASK, withoutUndefined } from './show-section.ts';

export function describeServer(server: ServerSettings | undefined): Record<string, unknown> | undefined {
  if (server === undefined) return undefined;
  return withoutUndefined({
    host: server.host,
    port: server.port,
    storage_path: server.storagePath,
    storage_size: server.storageBytes === undefined ? undefined : formatBytes(server.storageBytes),
    default_store: server.defaultStore,
    tls: server.tls,
    max_uploads: server.uploadsMax,
  });
}

export function describeReplication(replication: ReplicationSettings | undefined): Record<string, unknown> | undefined {
  if (replication === undefined) return undefined;
  return withoutUndefined({
    enabled: replication.enabled,
    mode: replication.mode,
    remote_url: replication.remoteUrl,
    remote_token: replication.remoteToken === undefined ? undefined : MASK,
    batch_size: replication.batchSize,
    batch_interval: formatDuration(replication.batchIntervalMs),
    retry_attempts: replication.retryAttempts,
    retry_delay: formatDuration(replication.retryDelayMs),
    sync_copies: replication.syncCopies,
    sync_timeout: formatDuration(replication.syncTimeoutMs),
    max_backlog: replication.backlogBytesMax === undefined ? undefined : formatBytes(replication.backlogBytesMax),
    peer_alarm: formatDuration(replication.peerAlarmMs),
    forward_after: formatDuration(replication.forwardAfterMs),
    undo_window: formatDuration(replication.undoMs),
    peers: replication.peers.map((peer) =>
      withoutUndefined({ ...peer, token: peer.token === undefined ? undefined : MASK }),
    ),
    accept: replication.accept.map(({ id }) => ({ id, token: MASK })),
    conflicts: Object.keys(replication.conflicts).length === 0 ? undefined : replication.conflicts,
  });
}
