import type { IncomingHttpHeaders } from 'node:http';
import {
  entityTagOf,
  type EntityTags,
  matchesStrongly,
  matchesWeakly,
  parseEntityTags,
} from '../domain/object/entity-tag.ts';
import type { Condition } from '../engine/condition.ts';
import { HttpError } from './http-error.ts';

/** What a client makes its request depend on (docs/server.md, "Conditions"). */
export interface Conditions {
  readonly ifMatch: EntityTags | undefined;
  readonly ifNoneMatch: EntityTags | undefined;
  readonly ifModifiedSinceMs: number | undefined;
  readonly ifUnmodifiedSinceMs: number | undefined;
}

/** An object as conditions see it. */
export interface Validators {
  readonly entityTag: string | undefined;
  readonly modifiedMs: number | undefined;
}

export function readConditions(headers: IncomingHttpHeaders): Conditions {
  return {
    ifMatch: readTags(headers, 'if-match'),
    ifNoneMatch: readTags(headers, 'if-none-match'),
    ifModifiedSinceMs: readDate(headers['if-modified-since']),
    ifUnmodifiedSinceMs: readDate(headers['if-unmodified-since']),
  };
}

export function areAny(conditions: Conditions): boolean {
  return Object.values(conditions).some((one) => one !== undefined);
}

/** What a reading is answered with in place of the object; undefined: the object. Of one that is not there only `If-Match` speaks. */
export function judgeRead(conditions: Conditions, seen: Validators | undefined): 304 | 412 | undefined {
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs } = conditions;
  const modifiedMs = seen?.modifiedMs === undefined ? undefined : Math.floor(seen.modifiedMs / 1000) * 1000;
  if (ifMatch !== undefined && !matchesStrongly(ifMatch, seen?.entityTag)) return 412;
  if (ifMatch === undefined && ifUnmodifiedSinceMs !== undefined && modifiedMs !== undefined)
    if (modifiedMs > ifUnmodifiedSinceMs) return 412;
  if (ifNoneMatch !== undefined) return matchesWeakly(ifNoneMatch, seen?.entityTag) ? 304 : undefined;
  if (ifModifiedSinceMs !== undefined && modifiedMs !== undefined && modifiedMs <= ifModifiedSinceMs) return 304;
  return undefined;
}

/** What a change is made under; undefined: nothing. Dates are too coarse for that. */
export function toCondition({ ifMatch, ifNoneMatch, ifUnmodifiedSinceMs }: Conditions): Condition | undefined {
  if (ifUnmodifiedSinceMs !== undefined)
    throw new HttpError(501, 'unsupported', 'If-Unmodified-Since is not understood for changes: use If-Match');
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  return (now) => {
    const content = now?.current.content;
    const tag = content?.kind === 'object' ? entityTagOf(content, now?.current.operation) : undefined;
    return whyNotChanged({ ifMatch, ifNoneMatch }, tag);
  };
}

/** `tag`: of the object as it is now; undefined: there is none. */
export function whyNotChanged(
  { ifMatch, ifNoneMatch }: Pick<Conditions, 'ifMatch' | 'ifNoneMatch'>,
  tag: string | undefined,
): string | undefined {
  if (ifMatch !== undefined && !matchesStrongly(ifMatch, tag))
    return tag === undefined ? 'there is no such object' : `its ETag is "${tag}"`;
  if (ifNoneMatch !== undefined && matchesWeakly(ifNoneMatch, tag)) return `it exists, with the ETag "${tag}"`;
  return undefined;
}

function readTags(headers: IncomingHttpHeaders, name: 'if-match' | 'if-none-match'): EntityTags | undefined {
  const header = headers[name];
  if (header === undefined) return undefined;
  const tags = parseEntityTags(header);
  if (tags === undefined) throw new HttpError(400, 'invalid-header', `${name} is neither * nor a list of ETags`);
  return tags;
}

/** A date nobody understands is as good as none (RFC 9110, 13.1.3). */
function readDate(header: string | undefined): number | undefined {
  const ms = header === undefined ? Number.NaN : Date.parse(header);
  return Number.isNaN(ms) ? undefined : ms;
}
