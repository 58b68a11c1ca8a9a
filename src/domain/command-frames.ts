/**
 * What a command writes while a server carries it out (docs/server.md, "Commands"), as frames one after the other:
 *
 *     kind    1 byte   1 stdout, 2 stderr, 3 the end
 *     length  4 bytes  big endian
 *     bytes            of the end: one, the exit code; none: it goes on
 */
export type FrameKind = 'stdout' | 'stderr' | 'end';

export interface CommandFrame {
  readonly kind: FrameKind;
  readonly bytes: Uint8Array;
}

const KINDS: readonly (FrameKind | undefined)[] = [undefined, 'stdout', 'stderr', 'end'];
const HEAD_BYTES = 5;
/** More in one frame nobody has sent: a pipe gives 64 KiB at once. */
const FRAME_BYTES_MAX = 1024 * 1024;

export function encodeFrame({ kind, bytes }: CommandFrame): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + bytes.length);
  frame[0] = KINDS.indexOf(kind);
  new DataView(frame.buffer).setUint32(1, bytes.length);
  frame.set(bytes, HEAD_BYTES);
  return frame;
}

/** Frames of chunks that are cut anywhere. Fails with a `RangeError` where they are none. */
export class FrameReader {
  #rest: Uint8Array[] = [];
  #restBytes = 0;
  /** With fewer there is no whole frame. */
  #neededBytes = HEAD_BYTES;

  read(chunk: Uint8Array): readonly CommandFrame[] {
    this.#rest.push(chunk.slice());
    this.#restBytes += chunk.length;
    if (this.#restBytes < this.#neededBytes) return [];
    const frames: CommandFrame[] = [];
    let bytes = joined(this.#rest, this.#restBytes);
    this.#neededBytes = HEAD_BYTES;
    while (bytes.length >= HEAD_BYTES) {
      const kind = KINDS[bytes[0] ?? 0];
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
      if (kind === undefined || length > FRAME_BYTES_MAX) throw new RangeError('no frame of a command');
      if (bytes.length < HEAD_BYTES + length) {
        this.#neededBytes = HEAD_BYTES + length;
        break;
      }
      frames.push({ kind, bytes: bytes.slice(HEAD_BYTES, HEAD_BYTES + length) });
      bytes = bytes.subarray(HEAD_BYTES + length);
    }
    this.#rest = [bytes.slice()];
    this.#restBytes = bytes.length;
    return frames;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
