// Mirrors data with all the machines of a cluster. On each of them runs `pando worker` with this configuration, and all share one
// catalog: PANDO_CATALOG=postgres://… On the command line: pando sync pando://my-dataset --execution-mode workers
import { StorageClient, StorageClientConfig } from 'pando-replica';

// Initialize the client
await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'my-dataset' }));

// Mirror data from source to replica. Nobody to connect to, nothing to shut down: workers find the work in the catalog.
const result = await client.syncReplicas({
  sourcePath: '',
  executionMode: 'workers',
  listeners: { onNoWorker: () => console.error('no worker takes part: start `pando worker`') },
});

for (const { title, added, updated, unchanged, failed } of result.targets)
  console.log(`${title}: ${added} added, ${updated} updated, ${unchanged} unchanged, ${failed} failed`);

process.exitCode = result.state === 'done' ? 0 : 1;
