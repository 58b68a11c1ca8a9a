import { createHash } from 'node:crypto';

/** The namespace in which FTS names jobs whose submitter chose their name (`id_generator: deterministic`). */
const FTS_NAMESPACE = '01874efb-4735-4595-bc9c-591aef8240c9';

/** The id FTS gives a job that is submitted with this `sid` by a member of this virtual organisation. */
export function ftsJobId(vo: string, sid: string): string {
  return nameUuid(nameUuid(FTS_NAMESPACE, vo), sid);
}

/** UUID of version 5: from the sha1 of a namespace and a name. */
function nameUuid(namespace: string, name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
