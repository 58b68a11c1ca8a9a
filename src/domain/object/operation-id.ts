/**
 * An operation's id: a UUIDv7, given before the first byte moves (docs/versions.md, "Operations"). Ids of one process sort as
 * text in the order they were given; ids of several sort by their clocks.
 *
 *     48 bits  milliseconds since 1970
 *      4 bits  version, 7
 *     12 bits  counter, begun at random in its lower half
 *     62 bits  random (2 of the 64 are the variant)
 */
export type OperationId = string;

/** Random bytes one id consumes. */
export const OPERATION_ID_RANDOM_BYTES = 10;

/** How long outcomes of operations are kept; an older id is refused as expired, never executed. */
export const OPERATION_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

const COUNTER_MAX = 0xfff;
const COUNTER_START_MAX = 0x7ff;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * The id after `last`. Within one millisecond, and while the wall clock stands behind `last`, the counter counts up, and past
 * its end the millisecond does, so that ids of one process never go back.
 */
export function nextOperationId(last: OperationId | undefined, nowMs: number, random: Uint8Array): OperationId {
  const start = (byteAt(random, 0) * 256 + byteAt(random, 1)) & COUNTER_START_MAX;
  const wallMs = Math.max(0, Math.floor(nowMs));
  if (last === undefined) return format(wallMs, start, random);
  const lastMs = operationTimeMs(last);
  if (wallMs > lastMs) return format(wallMs, start, random);
  const counter = Number.parseInt(last.slice(15, 18), 16) + 1;
  return counter > COUNTER_MAX ? format(lastMs + 1, start, random) : format(lastMs, counter, random);
}

/** The id in its one spelling (lower case), or undefined where the text is none. */
export function parseOperationId(text: string): OperationId | undefined {
  const id = text.toLowerCase();
  return UUID_V7.test(id) ? id : undefined;
}

/** When the id was given, in milliseconds since 1970, by the clock of its giver. */
export function operationTimeMs(id: OperationId): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

export function isOperationExpired(id: OperationId, nowMs: number): boolean {
  return operationTimeMs(id) < nowMs - OPERATION_RETENTION_MS;
}

function format(ms: number, counter: number, random: Uint8Array): OperationId {
  const time = ms.toString(16).padStart(12, '0');
  let tail = HEX[(byteAt(random, 2) & 0x3f) | 0x80] as string;
  for (let i = 3; i < OPERATION_ID_RANDOM_BYTES; i++) tail += HEX[byteAt(random, i)] as string;
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] ?? 0;
}
