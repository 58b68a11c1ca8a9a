import * as z from 'zod';
import { FOREIGN_ADDRESS, isForeignAddress, remedyOfForeignAddress } from './foreign-address.ts';
import { parseBytes, parseDuration, parseRate } from './quantity.ts';
import type { Parsed } from './quantity.ts';
import { parseEndpoint, parseS3Location } from './s3-location.ts';
import { suggest } from './suggestion.ts';

/** What a field makes of what the file has: the value, or what is wrong and how to mend it. */
type Read<T> = { readonly value: T } | { readonly message: string; readonly remedy: string };

/** A field of a section. It is asked about undefined too, and so says itself that it has no value. */
function field<T>(read: (input: unknown) => Read<T>) {
  return z.unknown().transform((input, context): T => {
    const result = input === undefined ? { message: 'has no value', remedy: 'write one' } : read(input);
    if ('value' in result) return result.value;
    context.issues.push({ code: 'custom', message: result.message, params: { remedy: result.remedy }, input });
    return z.NEVER;
  });
}

export const text = field<string>(readText);

function readText(input: unknown): Read<string> {
  if (typeof input === 'number' || typeof input === 'boolean') {
    return { message: `must be text, and is a ${typeof input}`, remedy: 'put it in quotes' };
  }
  if (typeof input !== 'string') return { message: 'must be text', remedy: 'write one value, in quotes if need be' };
  return input === '' ? { message: 'is empty', remedy: 'write a value, or remove the key' } : { value: input };
}

/** Text that a parser understands; `noun` completes "is not …". */
function parsedText<T>(noun: string, example: string, parse: (text: string) => Parsed<T>) {
  return field<T>((input) => readParsed(input, { noun, example, parse }));
}

function readParsed<T>(
  input: unknown,
  { noun, example, parse }: { readonly noun: string; readonly example: string; parse(text: string): Parsed<T> },
): Read<T> {
  const read = readText(input);
  if (!('value' in read)) return read;
  const parsed = parse(read.value);
  if ('value' in parsed) return parsed;
  return { message: `is not ${noun}: ${parsed.problem}`, remedy: `write it like ${example}` };
}

export const bucketPath = parsedText('a place in S3', 'my-bucket or my-bucket/some/prefix', parseS3Location);
export const endpoint = parsedText('an endpoint', 'https://s3.example.com or http://127.0.0.1:9000', parseEndpoint);
export const directory = field(readDirectory);

function readDirectory(input: unknown): Read<string> {
  return readParsed(input, {
    noun: 'a directory',
    example: '/data/my-dataset',
    parse: (path) => (path.includes('\0') ? { problem: 'it has a NUL character' } : { value: path }),
  });
}

/** A directory of this machine. */
export const localDirectory = field<string>((input) => {
  if (typeof input !== 'string' || !isForeignAddress(input)) return readDirectory(input);
  return { message: FOREIGN_ADDRESS, remedy: remedyOfForeignAddress(input) };
});

/** A host by name or address, as one says it to a program: no scheme, user, port or path. */
export const host = parsedText(
  'a host',
  'files.example.com or 192.0.2.7',
  (name): Parsed<string> =>
    /^[A-Za-z0-9._:%-]+$/.test(name) ? { value: name } : { problem: 'it has more in it than a name or an address' },
);

/** One fingerprint, or several of a server that shows one key to some and another to others. */
export const fingerprints = field<readonly string[]>((input) => {
  const list: unknown[] = Array.isArray(input) ? input : [input];
  const isRight = (one: unknown): one is string => typeof one === 'string' && /^SHA256:[A-Za-z0-9+/]{43}=?$/.test(one);
  if (list.length > 0 && list.every(isRight)) return { value: list.map((one) => one.replace(/=$/, '')) };
  const remedy = "write what ssh-keygen -lf shows of the server's own key file, like SHA256:… with 43 characters";
  return { message: 'is not the fingerprint of a host key', remedy };
});

export const flag = field<boolean>((input) => {
  if (typeof input === 'boolean') return { value: input };
  if (input === 'true' || input === 'false') return { value: input === 'true' };
  return { message: 'must be true or false', remedy: 'write true or false' };
});

/** What an attribute of a store may be; `true` and `false` in any case are booleans. */
export const attributeValue = field<string | number | boolean>((input) => {
  if (typeof input === 'boolean' || (typeof input === 'number' && Number.isFinite(input))) return { value: input };
  if (typeof input !== 'string' || input === '')
    return { message: 'must be text, a number, true or false', remedy: 'write one value' };
  const word = input.toLowerCase();
  return { value: word === 'true' || word === 'false' ? word === 'true' : input };
});

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]) {
  return field<T>((input) => {
    const word = words.find((candidate) => candidate === input);
    if (word !== undefined) return { value: word };
    return { message: `must be one of ${words.join(', ')}`, remedy: suggest(String(input), words) };
  });
}

/** A whole number, from 1 where nothing else is said, as a number or in digits (as it comes out of `${VAR}`). */
export function count(max: number, min = 1) {
  return field<number>((input) => readCount(input, max, min));
}

/** How many transfers at once. */
export function transfersAtOnce(max: number) {
  return field<number>((input) => {
    const read = readCount(input, max, 1);
    if ('value' in read || (input !== 0 && input !== '0')) return read;
    return {
      ...read,
      remedy: 'leave it out for no limit; a store that takes nothing, or gives nothing, says so in availability',
    };
  });
}

/** How far another store is; `none`: nothing goes there directly. */
export function distance(max: number) {
  return field<number | 'none'>((input) => {
    if (input === 'none') return { value: input };
    const read = readCount(input, max, 1);
    if ('value' in read) return read;
    return { ...read, remedy: 'write digits only, or none where nothing goes there directly' };
  });
}

function readCount(input: unknown, max: number, min: number): Read<number> {
  const value = typeof input === 'string' && /^\d{1,15}$/.test(input) ? Number(input) : input;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return { value };
  const remedy = typeof value === 'number' ? 'write one of these, or leave it out' : 'write digits only';
  return { message: `must be a whole number from ${min} to ${max}`, remedy };
}

/** A number only: a priority in quotes, or one that is a fraction or a boolean, is a slip worth stopping at. */
export const priority = field<number>((input) => {
  const remedy = 'write a whole number from 1; the replica with the lowest is read first';
  if (typeof input === 'string')
    return { message: 'must be a number, and is text', remedy: `${remedy}, without quotes` };
  if (typeof input !== 'number') return { message: 'must be a number', remedy };
  if (!Number.isSafeInteger(input)) return { message: 'must be a whole number', remedy };
  return input >= 1 ? { value: input } : { message: 'must be 1 or more', remedy };
});

/** Of a protocol: 0 is tried first, null is "not for that". */
export const protocolPriority = field<number | null>((input) => {
  if (input === null) return { value: null };
  if (typeof input === 'number' && Number.isSafeInteger(input) && input >= 0) return { value: input };
  const remedy = 'write a whole number from 0, the lowest is tried first; or null, where it is not for that';
  return { message: 'must be a whole number or null', remedy };
});

interface Bounds {
  readonly min: string;
  readonly max: string;
}

/** A quantity between two bounds, which are written as the user would write them. */
function quantity(noun: string, parse: (input: unknown) => Parsed<number>, bounds: Bounds) {
  return field(quantityReader(noun, parse, bounds));
}

function quantityReader(
  noun: string,
  parse: (input: unknown) => Parsed<number>,
  bounds: Bounds,
): (input: unknown) => Read<number> {
  const [min, max] = [mustParse(parse, bounds.min), mustParse(parse, bounds.max)];
  return (input) => {
    const parsed = parse(input);
    const remedy = `write a ${noun} from ${bounds.min} to ${bounds.max}`;
    if ('problem' in parsed) return { message: `is not a ${noun}: ${parsed.problem}`, remedy };
    if (parsed.value < min) return { message: `is less than ${bounds.min}`, remedy };
    return parsed.value <= max ? parsed : { message: `is more than ${bounds.max}`, remedy };
  };
}

function mustParse(parse: (input: unknown) => Parsed<number>, text: string): number {
  const parsed = parse(text);
  if ('problem' in parsed) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.value;
}

export const size = (min: string, max: string) => quantity('size', parseBytes, { min, max });
export const duration = (min: string, max: string) => quantity('duration', parseDuration, { min, max });
/** `none`: never. */
export const durationOrNone = (min: string, max: string) => {
  const read = quantityReader('duration', parseDuration, { min, max });
  return field<number | 'none'>((input) => (input === 'none' ? { value: input } : read(input)));
};
export const rate = (min: string, max: string) => quantity('rate', parseRate, { min, max });
