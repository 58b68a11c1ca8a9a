// The other ways to get at an object, each through the replicas.
import { StorageClient, StorageClientConfig } from 'pando-replica';

await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'my-dataset' }));

// A local file that appears complete and verified, or not at all.
await client.downloadFile('files/my-file.txt', 'my-file.txt');

// A copy under another name, with content type and metadata.
await client.copy('files/my-file.txt', 'files/my-file-copy.txt');

// Random access to one version, whatever is written meanwhile.
await using file = await client.open('files/my-file.txt');
const end = await file.read(Math.max(0, file.stat.size - 5), 5);
console.log(`the last bytes: ${end.toString()}`);

let streamed = 0;
for await (const chunk of file.createReadStream()) streamed += (chunk as Buffer).length;
console.log(`streamed ${streamed} bytes`);
