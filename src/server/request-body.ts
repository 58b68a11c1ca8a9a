import type { IncomingMessage } from 'node:http';
import type { Clock } from '../ports/clock.ts';
import type { Body } from '../ports/storage.ts';
import { HttpError } from './http-error.ts';

/** Bodies up to this size are taken whole, which costs a small object a file less to wait for. */
const WHOLE_BYTES_MAX = 256 * 1024;
/** From then on a body has to come at least so fast on the average; a connection that is only kept open is given up. */
const GRACE_MS = 30_000;
const BYTES_PER_SECOND_MIN = 512;

/** Length of a request's body as it was announced; undefined: its chunks tell. */
export function announcedBytes({ headers }: IncomingMessage): number | undefined {
  const { 'content-length': length } = headers;
  if (length === undefined) return headers['transfer-encoding'] === undefined ? 0 : undefined;
  const bytes = Number(length);
  if (!/^\d{1,16}$/.test(length) || !Number.isSafeInteger(bytes))
    throw new HttpError(400, 'invalid-length', 'Content-Length is not a number of bytes');
  return bytes;
}

/** Who hears how a body comes. */
export interface BodyWatch {
  /** However slowly it comes, it is waited for. */
  readonly isPatient: boolean;
  onBytes(bytes: number): void;
  /** Whether it is the client that is waited for. */
  onWait(isWaiting: boolean): void;
}

/** The body of a request. It ends normally only when all of it came; otherwise it throws `HttpError`. */
export async function openRequestBody(
  request: IncomingMessage,
  clock: Pick<Clock, 'monotonicMs'>,
  watch: BodyWatch,
): Promise<Body> {
  const size = announcedBytes(request);
  const chunks = checkedChunks(request, { size, clock, watch });
  if (size === undefined || size > WHOLE_BYTES_MAX) return chunks;
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}

async function* checkedChunks(
  request: IncomingMessage,
  {
    size,
    clock,
    watch,
  }: {
    readonly size: number | undefined;
    readonly clock: Pick<Clock, 'monotonicMs'>;
    readonly watch: BodyWatch;
  },
): AsyncGenerator<Uint8Array> {
  let came = 0;
  let waitedMs = 0;
  let askedMs = clock.monotonicMs();
  watch.onWait(true);
  try {
    // The answer to a body that is not taken goes the same way. The time that passes while nobody asks for more is not the client's.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      waitedMs += clock.monotonicMs() - askedMs;
      came += chunk.length;
      watch.onBytes(chunk.length);
      if (!watch.isPatient && waitedMs > GRACE_MS && (came / waitedMs) * 1000 < BYTES_PER_SECOND_MIN)
        throw new HttpError(408, 'too-slow', `the body came more slowly than ${BYTES_PER_SECOND_MIN} bytes a second`);
      watch.onWait(false);
      yield chunk;
      watch.onWait(true);
      askedMs = clock.monotonicMs();
    }
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, 'body-incomplete', 'the connection ended before the whole body had come');
  }
  watch.onWait(false);
  if (!request.complete || (size !== undefined && came !== size))
    throw new HttpError(400, 'body-incomplete', `${came} of the ${size ?? 'announced'} bytes of the body came`);
}
