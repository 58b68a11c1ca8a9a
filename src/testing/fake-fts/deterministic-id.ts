import { createHash } from 'node:crypto';

/** UUID5(UUID5(FTS's own namespace, vo), sid): written down a second time, so that a client's mistake shows. */
export function ftsJobIdOf(vo: string, sid: string): string {
  return format(digest(digest(Buffer.from('01874efb47354595bc9c591aef8240c9', 'hex'), vo), sid));
}

function digest(namespace: Buffer, name: string): Buffer {
  const id = createHash('sha1').update(namespace).update(name, 'utf8').digest().subarray(0, 16);
  id.writeUInt8((id.readUInt8(6) % 16) + 0x50, 6);
  id.writeUInt8((id.readUInt8(8) % 64) + 0x80, 8);
  return id;
}

function format(id: Buffer): string {
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
