import { readFileSync } from 'node:fs';
import type { S3Settings } from '../../src/storage/s3/s3-storage.ts';
import { openStore } from './s3-stores.ts';

/** Uploads a file in parts, and lives until it is killed. */
const { settings, key, file } = JSON.parse(process.argv[2] as string) as {
  settings: S3Settings;
  key: string;
  file: string;
};
const bytes = readFileSync(file);
const storage = await openStore(settings);

/** Slow enough to be killed midway. */
async function* slowly(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1024 * 1024) {
    yield bytes.subarray(at, at + 1024 * 1024);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

await storage.stage(key, slowly(), {
  attributes: { metadata: { kept: 'over the crash' } },
  mark: { operation: 'first', sha256: undefined },
  size: bytes.length,
  resume: 'source 1',
});
setInterval(() => undefined, 60_000);
