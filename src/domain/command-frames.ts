/**
 * What a command writes while a server carries it out (docs/server.md, "Commands"), as frames one after the other:
 *
 *     kind    1 byte   1 stdout, 2 stderr, 3 the end
 *     length  4 bytes  big endian
 *     bytes            of the end: one, the exit code
 */
export type FrameKind = 'stdout' | 'stderr' | 'end';

export interface CommandFrame {
  readonly kind: FrameKind;
  readonly bytes: Uint8Array;
}

const KINDS: readonly (FrameKind | undefined)[] = [undefined, 'stdout', 'stderr', 'end'];
const HEAD_BYTES = 5;
/** More in one frame nobody has sent. */
const FRAME_BYTES_MAX = 16 * 1024 * 1024;

export function encodeFrame({ kind, bytes }: CommandFrame): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + bytes.length);
  frame[0] = KINDS.indexOf(kind);
  new DataView(frame.buffer).setUint32(1, bytes.length);
  frame.set(bytes, HEAD_BYTES);
  return frame;
}

/** Frames of chunks that are cut anywhere. Fails with a `RangeError` where they are none. */
export class FrameReader {
  #rest: Uint8Array = new Uint8Array();

  read(chunk: Uint8Array): readonly CommandFrame[] {
    const frames: CommandFrame[] = [];
    let bytes = this.#rest.length === 0 ? chunk : joined(this.#rest, chunk);
    while (bytes.length >= HEAD_BYTES) {
      const kind = KINDS[bytes[0] ?? 0];
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
      if (kind === undefined || length > FRAME_BYTES_MAX) throw new RangeError('no frame of a command');
      if (bytes.length < HEAD_BYTES + length) break;
      frames.push({ kind, bytes: bytes.slice(HEAD_BYTES, HEAD_BYTES + length) });
      bytes = bytes.subarray(HEAD_BYTES + length);
    }
    this.#rest = bytes.slice();
    return frames;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
