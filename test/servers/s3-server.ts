/** A real server that speaks S3, started by a test on loopback and stopped by it. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
}

let buckets = 0;

/** A bucket name no other test file of this run has. */
export function newBucketName(): string {
  return `pando-${process.pid}-${Date.now().toString(36)}-${++buckets}`;
}
