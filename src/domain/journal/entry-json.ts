import { parseOperationId } from '../object/operation-id.ts';
import { findKeyProblem } from '../object/key.ts';
import { findScopeProblem } from '../object/scope.ts';
import type { Context, Dot } from '../object/dot.ts';
import type { HybridTime } from '../object/hybrid-clock.ts';
import type { Content, ObjectContent } from '../object/version.ts';
import type { Entry, PurgeEntry, VersionEntry } from './entry.ts';
import type { Considered, SiteContext } from './site-context.ts';

/** How an entry is written in messages between sites (docs/peer-protocol.md, "Entries"). Times in nanoseconds are text: they exceed the safe integers. */
export function entryToJson(entry: Entry): unknown {
  const { dot, time, origin, operation, scope, addressed } = entry;
  const common = { dot: dotToJson(dot), time: [time.ms, time.n], origin, operation, scope, addressed };
  if (entry.kind === 'purge-scope') return { ...common, kind: entry.kind, seen: entry.seen };
  const { name, context, content, also } = entry;
  return {
    ...common,
    kind: content.kind === 'object' ? 'put-object' : 'delete-object',
    name,
    ...(Object.keys(context).length === 0 ? {} : { context }),
    ...(content.kind === 'object' ? { content: contentToJson(content) } : {}),
    ...(also === undefined || also.length === 0 ? {} : { also: also.map(dotToJson) }),
  };
}

function dotToJson({ actor, counter }: Dot): unknown {
  return [actor, counter];
}

function contentToJson({ size, sha256, contentType, metadata, modifiedNs, mode, md5 }: ObjectContent): unknown {
  const told = { size, sha256, contentType, metadata, mode, md5 };
  return { ...told, ...(modifiedNs === undefined ? {} : { modifiedNs: String(modifiedNs) }) };
}

/** What is wrong with a message, as the end of a sentence that begins with the name of the field. */
export class EntryProblem extends Error {
  override readonly name = 'EntryProblem';
}

const ACTOR = /^[0-9a-f]{16}$/;
const SHA256 = /^[0-9a-f]{64}$/;
/** Actors in one context, dots in `also`, and sites in `addressed`, at most: no honest site comes near. */
const MANY_MAX = 10_000;
/** As every store has to keep them with a file. */
const METADATA_BYTES_MAX = 16 * 1024;
const MODIFIED_NS = /^-?[0-9]{1,19}$/;
/** Clocks beyond the year 9999 are no clocks. */
const TIME_MS_MAX = 253_402_300_799_999;

/** Everything is checked before it is used: clocks, sizes, names, lengths. Fails with an `EntryProblem`. */
export function entryFromJson(value: unknown): Entry {
  const fields = recordOf(value, 'the entry');
  const operation = parseOperationId(textOf(fields['operation'], 'operation'));
  if (operation === undefined) throw new EntryProblem('operation is not a UUIDv7');
  const scope = textOf(fields['scope'], 'scope');
  const scopeProblem = findScopeProblem(scope);
  if (scopeProblem !== undefined) throw new EntryProblem(`scope ${scopeProblem}`);
  const common = {
    dot: dotFromJson(fields['dot'], 'dot'),
    time: timeFromJson(fields['time']),
    origin: siteFromJson(fields['origin'], 'origin'),
    operation,
    scope,
    addressed: listOf(fields['addressed'] ?? [], 'addressed').map((one) => siteFromJson(one, 'addressed')),
  };
  switch (fields['kind']) {
    case 'put-object':
    case 'delete-object':
      return { ...common, ...versionFromJson(fields) };
    case 'purge-scope':
      return { ...common, kind: 'purge-scope', seen: siteContextFromJson(fields['seen']) } satisfies PurgeEntry;
    default:
      throw new EntryProblem(`kind ${JSON.stringify(fields['kind'])} is not known to this version of Pando`);
  }
}

function versionFromJson(
  fields: Readonly<Record<string, unknown>>,
): Pick<VersionEntry, 'kind' | 'name' | 'context' | 'content' | 'also'> {
  const name = textOf(fields['name'], 'name');
  const problem = findKeyProblem(name);
  if (problem !== undefined) throw new EntryProblem(`name is refused: ${problem}`);
  const also = listOf(fields['also'] ?? [], 'also').map((one) => dotFromJson(one, 'also'));
  const content: Content =
    fields['kind'] === 'delete-object' ? { kind: 'tombstone' } : contentFromJson(fields['content']);
  const context = contextFromJson(fields['context'] ?? {}, 'context');
  return { kind: 'version', name, context, content, ...(also.length === 0 ? {} : { also }) };
}

function contentFromJson(value: unknown): ObjectContent {
  const { size, sha256, contentType, metadata, modifiedNs, mode, md5 } = recordOf(value, 'content');
  const hash = textOf(sha256, 'content.sha256');
  if (!SHA256.test(hash)) throw new EntryProblem('content.sha256 is not 64 hex digits');
  return {
    kind: 'object',
    size: countOf(size, 'content.size', 0),
    sha256: hash,
    ...(contentType === undefined ? {} : { contentType: limitedText(contentType, 'content.contentType', 1024) }),
    ...(metadata === undefined ? {} : { metadata: metadataFromJson(metadata) }),
    ...(modifiedNs === undefined ? {} : { modifiedNs: nanosecondsOf(modifiedNs) }),
    ...(mode === undefined ? {} : { mode: countOf(mode, 'content.mode', 0) & 0o7777 }),
    ...(md5 === undefined ? {} : { md5: md5Of(md5) }),
  };
}

function md5Of(value: unknown): string {
  const hash = textOf(value, 'content.md5');
  if (!/^[0-9a-f]{32}$/.test(hash)) throw new EntryProblem('content.md5 is not 32 hex digits');
  return hash;
}

function metadataFromJson(value: unknown): Readonly<Record<string, string>> {
  const fields = recordOf(value, 'content.metadata');
  let length = 0;
  for (const [key, text] of Object.entries(fields))
    length += key.length + textOf(text, `content.metadata.${key}`).length;
  if (length > METADATA_BYTES_MAX)
    throw new EntryProblem(`content.metadata is longer than ${METADATA_BYTES_MAX} bytes`);
  return fields as Record<string, string>;
}

function nanosecondsOf(value: unknown): bigint {
  const text = textOf(value, 'content.modifiedNs');
  if (!MODIFIED_NS.test(text)) throw new EntryProblem('content.modifiedNs is no number of nanoseconds');
  return BigInt.asIntN(64, BigInt(text));
}

function dotFromJson(value: unknown, where: string): Dot {
  const [actor, counter, ...more] = listOf(value, where);
  if (more.length > 0) throw new EntryProblem(`${where} has more than an actor and a number`);
  return { actor: actorOf(actor, where), counter: countOf(counter, where, 1) };
}

function actorOf(value: unknown, where: string): string {
  const actor = textOf(value, where);
  if (!ACTOR.test(actor)) throw new EntryProblem(`${where} names an actor that is not 16 hex digits`);
  return actor;
}

export function siteFromJson(value: unknown, where: string): string {
  const site = textOf(value, where);
  if (!ACTOR.test(site)) throw new EntryProblem(`${where} names a site that is not 16 hex digits`);
  return site;
}

export function lifeFromJson(value: unknown, where: string): string {
  const life = textOf(value, where);
  if (!ACTOR.test(life)) throw new EntryProblem(`${where} is not 16 hex digits`);
  return life;
}

function timeFromJson(value: unknown): HybridTime {
  const [ms, n] = listOf(value, 'time');
  const time = { ms: countOf(ms, 'time', 0), n: countOf(n, 'time', 0) };
  if (time.ms > TIME_MS_MAX) throw new EntryProblem('time is beyond the year 9999');
  return time;
}

/** Actors and their numbers. */
export function contextFromJson(value: unknown, where: string): Context {
  const fields = recordOf(value, where);
  const entries = Object.entries(fields);
  if (entries.length > MANY_MAX) throw new EntryProblem(`${where} names more than ${MANY_MAX} actors`);
  return Object.fromEntries(entries.map(([actor, counter]) => [actorOf(actor, where), countOf(counter, where, 1)]));
}

export function countFromJson(value: unknown, where: string): number {
  return countOf(value, where, 0);
}

/** Actors and their numbers, also of such that have none yet. */
export function countsFromJson(value: unknown, where: string): Context {
  const entries = Object.entries(recordOf(value, where));
  if (entries.length > MANY_MAX) throw new EntryProblem(`${where} names more than ${MANY_MAX} actors`);
  return Object.fromEntries(entries.map(([actor, counter]) => [actorOf(actor, where), countOf(counter, where, 0)]));
}

/** What a site has considered, as it is written in messages. */
function siteContextFromJson(value: unknown): SiteContext {
  const fields = Object.entries(recordOf(value, 'seen'));
  if (fields.length > MANY_MAX) throw new EntryProblem(`seen names more than ${MANY_MAX} actors`);
  return Object.fromEntries(fields.map(([actor, one]) => [actorOf(actor, 'seen'), consideredFromJson(one)]));
}

function consideredFromJson(value: unknown): Considered {
  const { upTo, beyond } = recordOf(value, 'seen');
  const counters = listOf(beyond ?? [], 'seen').map((one) => countOf(one, 'seen', 1));
  if (counters.some((counter, at) => at > 0 && counter <= (counters[at - 1] ?? 0)))
    throw new EntryProblem('seen has numbers that do not ascend');
  return { upTo: countOf(upTo, 'seen', 0), beyond: counters };
}

function recordOf(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new EntryProblem(`${where} is no JSON object`);
  return value as Record<string, unknown>;
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new EntryProblem(`${where} is no list`);
  if (value.length > MANY_MAX) throw new EntryProblem(`${where} has more than ${MANY_MAX} items`);
  return value;
}

function textOf(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new EntryProblem(`${where} is no text`);
  return value;
}

function limitedText(value: unknown, where: string, charsMax: number): string {
  const text = textOf(value, where);
  if (text.length > charsMax) throw new EntryProblem(`${where} is longer than ${charsMax} characters`);
  return text;
}

function countOf(value: unknown, where: string, least: number): number {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw new EntryProblem(`${where} has no whole number of at least ${least}`);
  return value as number;
}
