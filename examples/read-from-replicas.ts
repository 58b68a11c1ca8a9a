// Reads an object: from the replica of the best priority that has it, else from the next one, else from the source.
import { StorageClient, StorageClientConfig } from 'pando-replica';

await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'my-dataset' }));

const bytes = await client.read('files/my-file.txt');
console.log(`read ${bytes.length} bytes`);

const { servedBy } = await client.info('files/my-file.txt');
console.log(`from ${servedBy}`);
