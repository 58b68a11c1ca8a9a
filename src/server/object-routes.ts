import type { ObjectName } from '../domain/object/object-name.ts';
import type { ObjectInfo } from '../engine/inspect-object.ts';
import { ObjectError } from '../engine/object-error.ts';
import type { ObjectRead } from '../engine/object-read.ts';
import type { AwaitPeers } from '../engine/sites/await-peers.ts';
import type { PutDone, ServedObjects } from '../engine/sites/served-objects.ts';
import { awaitReply } from './await-reply.ts';
import { checkMd5 } from './check-md5.ts';
import { areAny, type Conditions, judgeRead, readConditions, toCondition, whyNotChanged } from './conditions.ts';
import { HttpError } from './http-error.ts';
import { isDirectory, listDirectory, type ListingRoutesGiven, listingRoutes } from './listing-routes.ts';
import { objectHeaders, readAttributes, validatorHeaders, validatorsOf } from './object-headers.ts';
import { parseRange } from './range-header.ts';
import type { Exchange, Reply, Route } from './route.ts';
import type { Turns } from './turns.ts';

export interface ObjectRoutesGiven extends ListingRoutesGiven {
  readonly objects: ServedObjects;
  /** Whom writes wait for. */
  readonly awaiting: Pick<AwaitPeers, 'expect' | 'wait'>;
  readonly nowMs: () => number;
  /** Bodies that are taken at once. */
  readonly uploads: Turns;
}

const OBJECT = '/{scope}/{name...}';
const READ_ANSWERS = [200, 206, 304, 400, 404, 412, 416, 503];

export function objectRoutes(given: ObjectRoutesGiven): readonly Route[] {
  const { objects } = given;
  return [
    ...listingRoutes(given),
    {
      method: 'GET',
      path: OBJECT,
      summary: 'An object, or a range of it',
      right: 'read',
      answers: READ_ANSWERS,
      handle: async (exchange) => (isDirectory(exchange) ? listDirectory(objects, exchange) : get(objects, exchange)),
    },
    {
      method: 'HEAD',
      path: OBJECT,
      summary: 'What an object is',
      right: 'read',
      answers: READ_ANSWERS,
      handle: async (exchange) => (isDirectory(exchange) ? listDirectory(objects, exchange) : head(objects, exchange)),
    },
    {
      method: 'PUT',
      path: OBJECT,
      summary: 'Write an object',
      right: 'write',
      takesBody: true,
      answers: [200, 202, 400, 408, 409, 410, 412, 422, 501, 502, 503, 504, 507],
      handle: (exchange) => put(given, exchange),
    },
    {
      method: 'DELETE',
      path: OBJECT,
      summary: 'Delete an object; one that is not there is no error',
      right: 'write',
      answers: [202, 204, 400, 409, 410, 412, 422, 501, 502, 503, 504],
      handle: (exchange) => remove(given, exchange),
    },
  ];
}

function nameOf({ params }: Exchange): ObjectName {
  return { scope: params['scope'] ?? '', name: params['name'] ?? '' };
}

function notFound({ scope, name }: ObjectName): HttpError {
  return new HttpError(404, 'not-found', `there is no object ${scope}:${name}`);
}

async function head(objects: ServedObjects, exchange: Exchange): Promise<Reply> {
  const name = nameOf(exchange);
  const info = await objects.look(name, exchange.signal);
  const instead = judge(readConditions(exchange.headers), info);
  if (instead !== undefined) return instead;
  if (info === undefined) throw notFound(name);
  const { content } = info;
  return { status: 200, headers: { ...objectHeaders(content, info), 'content-length': String(content.size) } };
}

/** Conditions are judged before the object is opened; what changes in between is judged again. */
const ROUNDS_MAX = 5;

async function get(objects: ServedObjects, exchange: Exchange): Promise<Reply> {
  const name = nameOf(exchange);
  const { headers, signal } = exchange;
  const conditions = readConditions(headers);
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const isJudged = areAny(conditions) || headers['if-range'] !== undefined;
    const info = isJudged ? await objects.look(name, signal) : undefined;
    const instead = isJudged ? judge(conditions, info) : undefined;
    if (instead !== undefined) return instead;
    if (isJudged && info === undefined) throw notFound(name);
    const range =
      info === undefined || isOfRange(headers['if-range']?.toString(), info) ? parseRange(headers['range']) : undefined;
    const read = await objects.read(name, { range, signal });
    if (info === undefined || read.version === info.version) return readReply(read, range !== undefined);
    read[Symbol.dispose]();
  }
  throw new HttpError(503, 'unavailable', 'the object changed again and again while it was read', {
    'retry-after': '1',
  });
}

function judge(conditions: Conditions, info: ObjectInfo | undefined): Reply | undefined {
  const status = judgeRead(conditions, info && validatorsOf(info.content, info.version));
  if (status === 412) throw new HttpError(412, 'condition', 'the object is not as the conditions say');
  return status === 304 && info !== undefined
    ? { status, headers: validatorHeaders(info.content, info.version) }
    : undefined;
}

/** A range is asked of the state that the client knows, by its ETag or time. */
function isOfRange(ifRange: string | undefined, { content, version }: ObjectInfo): boolean {
  if (ifRange === undefined) return true;
  const { entityTag, modifiedMs } = validatorsOf(content, version);
  if (ifRange.startsWith('"')) return ifRange === `"${entityTag}"`;
  return modifiedMs !== undefined && Math.floor(modifiedMs / 1000) * 1000 === Date.parse(ifRange);
}

function readReply(read: ObjectRead, isRange: boolean): Reply {
  const { content, span, body } = read;
  const headers = objectHeaders(content, read);
  const end = (): void => read[Symbol.dispose]();
  const bytes = span.end - span.start;
  if (isRange && bytes === 0) {
    end();
    const range = { 'content-range': `bytes */${content.size}` };
    throw new HttpError(416, 'range-not-satisfiable', `the object has ${content.size} bytes`, range);
  }
  const length = { 'content-length': String(bytes) };
  if (!isRange) return { status: 200, headers: { ...headers, ...length }, body, end };
  const range = { 'content-range': `bytes ${span.start}-${span.end - 1}/${content.size}` };
  return { status: 206, headers: { ...headers, ...length, ...range }, body, end };
}

async function put({ objects, awaiting, uploads, nowMs }: ObjectRoutesGiven, exchange: Exchange): Promise<Reply> {
  const object = nameOf(exchange);
  const { headers, signal, announcedBytes: size } = exchange;
  const conditions = readConditions(headers);
  const onlyIf = toCondition(conditions);
  const attributes = readAttributes(headers, nowMs());
  const operation = headers['idempotency-key']?.toString();
  await objects.expectPut({ object, operation, size });
  // What would be refused is refused before its body comes; whether it holds is decided with the write.
  if (onlyIf !== undefined && operation === undefined) {
    const info = await objects.look(object, signal);
    const why = whyNotChanged(conditions, info && validatorsOf(info.content, info.version).entityTag);
    if (why !== undefined) throw new HttpError(412, 'condition', `${object.scope}:${object.name}: ${why}`);
  }
  const expected = (await objects.isTold(object.scope)) ? await awaiting.expect(object.scope) : NOBODY;
  const over = await uploads.take(signal);
  let done: PutDone;
  try {
    const body = checkMd5(await exchange.openBody(), headers['content-md5']?.toString());
    const asked = { object, body, attributes, size, onlyIf, named: conditions.ifMatch, operation, signal };
    done = await objects.put(asked).catch((error: unknown) => {
      throw sourceGone(error) ?? error;
    });
  } finally {
    over();
  }
  const reply = {
    status: 200,
    headers: {
      'content-length': '0',
      'x-pando-version': done.version,
      ...(done.entityTag === undefined ? {} : { etag: `"${done.entityTag}"` }),
      ...(done.isRepeat ? { 'x-pando-repeated': 'true' } : {}),
    },
  };
  return awaitReply(awaiting, expected, { object, operation: done.version, isFresh: done.isFresh, reply }, exchange);
}

/** Whom a write waits for that peers are not told of. */
const NOBODY = { peers: [] };

/** What is written need not be there before: it is its store that is not. */
function sourceGone(error: unknown): HttpError | undefined {
  if (!(error instanceof ObjectError) || error.kind !== 'not-found') return undefined;
  return new HttpError(503, 'unavailable', error.message, { 'retry-after': '2' });
}

async function remove({ objects, awaiting }: ObjectRoutesGiven, exchange: Exchange): Promise<Reply> {
  const object = nameOf(exchange);
  const { headers, signal } = exchange;
  const conditions = readConditions(headers);
  const operation = headers['idempotency-key']?.toString();
  const expected = (await objects.isTold(object.scope)) ? await awaiting.expect(object.scope) : NOBODY;
  const asked = { onlyIf: toCondition(conditions), named: conditions.ifMatch, operation, signal };
  const { version, tombstone, isRepeat } = await objects.delete(object, asked);
  const reply = {
    status: 204,
    headers: {
      ...(version === undefined ? {} : { 'x-pando-version': version }),
      ...(isRepeat ? { 'x-pando-repeated': 'true' } : {}),
    },
  };
  const isFresh = version !== undefined && !isRepeat;
  return awaitReply(awaiting, expected, { object, operation: tombstone, isFresh, reply }, exchange);
}
