import type { ObjectContent } from '../domain/object/version.ts';
import { resolveByteRange } from '../domain/transfer/byte-range.ts';
import type { ObjectRecord } from '../ports/catalog.ts';
import type { KnownObject } from './locate-object.ts';
import { noteMisses } from './note-misses.ts';
import { type ObjectRead, openBody, type ReadArguments, type ReadPorts } from './object-read.ts';
import { VersionRead } from './version-read.ts';
import { VersionSources } from './version-sources.ts';

/** A version that is read whether or not it is still the current one. */
export interface PinnedVersion {
  readonly id: number;
  readonly operation: string;
  readonly content: ObjectContent;
}

/** Reads the current version of a known object; undefined: superseded before a byte was read. */
export function readVersion(ports: ReadPorts, args: ReadArguments, row: KnownObject): Promise<ObjectRead | undefined> {
  return read(ports, args, row, row.current, false);
}

/** Reads the version a handle was opened on, from whoever still has it. */
export async function readPinned(
  ports: ReadPorts,
  args: ReadArguments,
  row: ObjectRecord,
  version: PinnedVersion,
): Promise<ObjectRead> {
  const done = await read(ports, args, row, version, true);
  if (done === undefined) throw new Error('a read that stays with its version was superseded');
  return done;
}

async function read(
  ports: ReadPorts,
  args: ReadArguments,
  row: ObjectRecord,
  version: PinnedVersion,
  isPinned: boolean,
): Promise<ObjectRead | undefined> {
  const { scope, name, range, except = [], signal } = args;
  const { id: versionId, content, operation } = version;
  const sources = new VersionSources(ports, { scope, row, versionId, except, signal });
  const span = resolveByteRange(range, content.size);
  const reading = new VersionRead(ports, sources, {
    object: { scope: scope.name, name },
    size: content.size,
    sha256: content.sha256,
    span,
    deadlineMs: scope.deadlineMs,
    signal,
  });
  if (isPinned) reading.commit();
  const body = await openBody(reading, span, args);
  const first = reading.servedBy;
  if (body === undefined || first === undefined) return undefined;
  if (args.backfill !== false && versionId === row.current.id) {
    noteMisses(ports.later, { scope, name, versionId, hit: first.storage.place, lacking: sources.lacking });
  }
  return {
    version: operation,
    content,
    span,
    body,
    servedBy: first.storage.name,
    isUnvalidated: !first.verified && first.storage !== scope.source,
    plan: sources.plan,
    [Symbol.dispose]: () => reading.close(),
  };
}
