import { entryFromJson, EntryProblem, entryToJson, lifeFromJson, siteFromJson } from '../domain/journal/entry-json.ts';
import type { Entry } from '../domain/journal/entry.ts';
import type { Lives } from '../ports/journal.ts';

/**
 * How a batch is written (docs/peer-protocol.md, "Batches"):
 *
 *     4 bytes  length of the header, big endian
 *     header   JSON in UTF-8: {from, lives?, entries: [{…entry, bytes?: length}]}
 *     bytes    of the entries that have any, one after the other
 */
export interface BatchFrame<Line extends FrameLine | FramedEntry = FrameLine> {
  /** Id of the site that sends. */
  readonly from: string;
  readonly lives?: Lives | undefined;
  readonly entries: readonly Line[];
}

export interface FrameLine {
  readonly entry: Entry;
  readonly bytes?: Uint8Array | undefined;
}

/** `problem`: nobody can make anything of this one; it stops no other. */
export type FramedEntry = FrameLine | { readonly problem: string };

/** Entries of one batch, at most. */
const BATCH_ENTRIES_MAX = 10_000;

/** In parts, so that no bytes are copied. */
export function encodeBatch({ from, lives, entries }: BatchFrame): readonly Uint8Array[] {
  const lines = entries.map(({ entry, bytes }) => ({
    ...(entryToJson(entry) as Record<string, unknown>),
    ...(bytes === undefined ? {} : { bytes: bytes.length }),
  }));
  const header = new TextEncoder().encode(JSON.stringify({ from, lives, entries: lines }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, header.length);
  return [length, header, ...entries.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]))];
}

/** Fails with an `EntryProblem` where the whole of it is garbage. The bytes are views of what was given. */
export function decodeBatch(frame: Uint8Array): BatchFrame<FramedEntry> {
  if (frame.length < 4) throw new EntryProblem('the batch ends before its header');
  const length = new DataView(frame.buffer, frame.byteOffset, frame.length).getUint32(0);
  if (4 + length > frame.length) throw new EntryProblem('the batch ends within its header');
  const header = parseHeader(frame.subarray(4, 4 + length));
  let at = 4 + length;
  const entries = header.lines.map((line): FramedEntry => {
    const size = line.bytes;
    const bytes = size === undefined ? undefined : frame.subarray(at, at + size);
    if (bytes !== undefined && bytes.length !== size)
      throw new EntryProblem('the batch ends within the bytes of an entry');
    at += size ?? 0;
    try {
      return { entry: entryFromJson(line.fields), bytes };
    } catch (error) {
      if (error instanceof EntryProblem) return { problem: error.message };
      throw error;
    }
  });
  if (at !== frame.length) throw new EntryProblem('the batch goes on after its last byte');
  return { from: header.from, lives: header.lives, entries };
}

interface HeaderLine {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly bytes: number | undefined;
}

interface Header {
  readonly from: string;
  readonly lives: Lives | undefined;
  readonly lines: readonly HeaderLine[];
}

function parseHeader(text: Uint8Array): Header {
  const header = parseJson(text);
  if (typeof header !== 'object' || header === null) throw new EntryProblem('the header is no JSON object');
  const { from, lives, entries } = header as Record<string, unknown>;
  if (!Array.isArray(entries)) throw new EntryProblem('entries is no list');
  if (entries.length > BATCH_ENTRIES_MAX) throw new EntryProblem(`there are more than ${BATCH_ENTRIES_MAX} entries`);
  return { from: siteFromJson(from, 'from'), lives: parseLives(lives), lines: entries.map(parseLine) };
}

function parseLives(value: unknown): Lives | undefined {
  if (value === undefined) return undefined;
  const { from, to } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  return { from: lifeFromJson(from, 'lives.from'), to: lifeFromJson(to, 'lives.to') };
}

function parseLine(value: unknown): HeaderLine {
  if (typeof value !== 'object' || value === null) throw new EntryProblem('an entry is no JSON object');
  const { bytes, ...fields } = value as Record<string, unknown>;
  if (bytes !== undefined && (!Number.isSafeInteger(bytes) || (bytes as number) < 0))
    throw new EntryProblem('the length of an entry’s bytes is no number');
  return { fields, bytes: bytes as number | undefined };
}

function parseJson(text: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch {
    throw new EntryProblem('the header is no JSON');
  }
}
