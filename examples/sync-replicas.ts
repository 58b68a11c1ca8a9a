// Mirrors the data of a profile to its replicas. On the command line: pando sync pando://my-dataset
import { StorageClient, StorageClientConfig } from 'pando-replica';

await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'my-dataset' }));

// One listing and one read of the source feed all replicas.
const result = await client.syncReplicas({ sourcePath: '', numWorkerProcesses: 2 });

for (const { title, added, updated, unchanged, failed, verification } of result.targets)
  console.log(
    `${title}: ${added} added, ${updated} updated, ${unchanged} unchanged, ${failed} failed, ${verification ?? 'nothing copied'}`,
  );

process.exitCode = result.state === 'done' ? 0 : 1;
