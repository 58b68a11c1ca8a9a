// What a replica lacks when it is read is copied to it in the background: the caller never waits for that.
import { StorageClient, StorageClientConfig } from 'pando-replica';

await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'my-dataset' }));

await client.read('files/my-file.txt');

// Only a program that is about to end, and wants to see it done, waits. Otherwise the next one, or `pando worker`, carries on.
const { pending, failed } = await client.flush();
console.log(`${pending.length} still to be done, ${failed.length} failed`);

const { servedBy } = await client.info('files/my-file.txt');
console.log(`next time from ${servedBy}`);
