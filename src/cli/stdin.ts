import { addAbortSignal } from 'node:stream';
import { AT_SERVER, currentSurroundings, readVariable } from '../config/surroundings.ts';

/** Bytes that come on stdin. Fails where they are not all there, or when the signal is aborted. */
export function openStdin(signal: AbortSignal): AsyncIterable<Uint8Array> {
  const stdin = addAbortSignal(signal, process.stdin);
  const seal = readSeal();
  return seal === undefined ? stdin : unsealedChunks(stdin, seal);
}

/** What came on stdin, read to its end. */
export function unsealed(bytes: Buffer): Buffer {
  const seal = readSeal();
  if (seal === undefined) return bytes;
  const end = Math.max(0, bytes.length - seal.length);
  demandSeal(bytes.subarray(end), seal);
  return bytes.subarray(0, end);
}

async function* unsealedChunks(stdin: AsyncIterable<Uint8Array>, seal: Buffer): AsyncGenerator<Uint8Array> {
  let held = Buffer.alloc(0);
  for await (const chunk of stdin) {
    const bytes = Buffer.concat([held, chunk]);
    const end = Math.max(0, bytes.length - seal.length);
    held = bytes.subarray(end);
    if (end > 0) yield bytes.subarray(0, end);
  }
  demandSeal(held, seal);
}

/** A pipe also ends where the server that fills it is killed: what came whole is followed by a word that nobody else knows. */
function readSeal(): Buffer | undefined {
  const said = readVariable(currentSurroundings(), AT_SERVER);
  return said === undefined ? undefined : Buffer.from(said);
}

function demandSeal(end: Buffer, seal: Buffer): void {
  if (!end.equals(seal)) throw new DOMException('stdin broke off', 'AbortError');
}
