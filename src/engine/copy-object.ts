import type { Locate } from './locate-object.ts';
import { attributesOf } from './object-content.ts';
import { readObject } from './read-object.ts';
import type { ReadPorts } from './object-read.ts';
import { type WriteArguments, writeObject, type WritePorts, type WriteResult } from './write-object.ts';

export interface CopyArguments extends Pick<WriteArguments, 'ifAbsent' | 'ifVersion' | 'operation'> {
  readonly from: Locate;
  readonly to: Pick<WriteArguments, 'scope' | 'name'>;
  readonly signal?: AbortSignal | undefined;
}

/** Copies an object to another name, in the same scope or another, with what belongs to it. One version is read, one is made. */
export async function copyObject(ports: ReadPorts & WritePorts, args: CopyArguments): Promise<WriteResult> {
  const { from, to, ifAbsent, ifVersion, operation, signal } = args;
  using read = await readObject(ports, { ...from, signal });
  const { size } = read.content;
  const attributes = attributesOf(read.content);
  return await writeObject(ports, { ...to, body: read.body, attributes, size, ifAbsent, ifVersion, operation, signal });
}
