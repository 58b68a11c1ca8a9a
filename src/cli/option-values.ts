import { InvalidArgumentError } from 'commander';
import { type Parsed, parseBytes, parseDuration, parsePercentage, parseRate } from '../config/quantity.ts';
import { parseEndpoint } from '../config/s3-location.ts';
import { isRight, RIGHTS, type Right } from '../domain/access/right.ts';
import { findScopeProblem } from '../domain/object/scope.ts';
import type { DeleteLimit } from '../domain/transfer/delete-limit.ts';

/** Values of options, refused with the reason. */
export const bytes = (text: string): number => demand('a size', parseBytes(text));
/** Milliseconds. */
export const duration = (text: string): number => demand('a duration', parseDuration(text));
export const rate = (text: string): number => demand('a rate', parseRate(text));

/** A time that something lasts. */
export function lifetime(text: string): number {
  const ms = duration(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError('It would be over at once.');
}

/** `10%`, or `10`. */
export function percentage(text: string): number {
  return demand('a percentage', parsePercentage(text.trimEnd().endsWith('%') ? text : `${text}%`));
}

export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    if (/^\d{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`It is not a whole number of ${least} or more.`);
  };
}

/** 0: any that is free. */
export function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It is not a port: 0 to 65535.');
}

/** `http://host:port`, or with https. */
export const url = (text: string): string => demand('a URL', parseEndpoint(text));

/** Rights of a token: `read,write`. */
export function rights(text: string): readonly Right[] {
  return text.split(',').map((word) => {
    const right = word.trim();
    if (isRight(right)) return right;
    throw new InvalidArgumentError(`${JSON.stringify(right)} is none of ${RIGHTS.join(', ')}.`);
  });
}

/** Scopes, one each time it is said. */
export function scopes(text: string, before: unknown): readonly string[] {
  const problem = findScopeProblem(text);
  if (problem !== undefined) throw new InvalidArgumentError(`The scope ${problem}.`);
  return [...(Array.isArray(before) ? (before as string[]) : []), text];
}

/** `0,1`: positions in a list. */
export function indices(text: string): number[] {
  return text.split(',').map((part) => wholeNumber(0)(part.trim()));
}

/** `a,b`: names. */
export function commaList(text: string): string[] {
  const names = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (names.length > 0) return names;
  throw new InvalidArgumentError('Write names, separated by commas.');
}

/** `100` objects, or `10%` of the target. */
export function deleteLimit(text: string): DeleteLimit {
  if (text.trim().endsWith('%')) return { kind: 'percent', percent: demand('a percentage', parsePercentage(text)) };
  if (/^\d{1,9}$/.test(text.trim())) return { kind: 'count', count: Number(text) };
  throw new InvalidArgumentError('Write how many objects (100), or a part of what the target has (10%).');
}

/** `2h` ago, or a date: nanoseconds since 1970. */
export function moment(nowMs: number): (text: string) => bigint {
  return (text) => {
    const duration = parseDuration(text);
    if ('value' in duration) return BigInt(Math.round(nowMs - duration.value)) * 1_000_000n;
    const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(date)) return BigInt(date) * 1_000_000n;
    throw new InvalidArgumentError('Write how long ago (30m, 2h, 7d) or a date (2026-01-31, 2026-01-31T12:00:00Z).');
  };
}

function demand<T>(what: string, parsed: Parsed<T>): T {
  if ('value' in parsed) return parsed.value;
  throw new InvalidArgumentError(`It is not ${what}: ${parsed.problem}.`);
}
