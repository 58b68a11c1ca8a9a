/**
 * A key is the name of an object inside one store: UTF-8, compared as bytes, never normalised (docs/replicas.md, "Names").
 */

/**
 * The directory every store reserves for Pando itself: refused as a key, absent from listings. Further down it is a directory like any, or
 * that of a store inside this one, which is left alone as all of that store is.
 */
export const RESERVED_DIRECTORY = '.pando';

/** Where an audit puts files that nobody knows (docs/audit.md, "Dark files"): below it lie keys, one directory a run deep. */
export const DARK_DIRECTORY = `${RESERVED_DIRECTORY}/dark/`;

/** S3's limit, and the limit of a name everywhere in Pando. */
export const KEY_BYTES_MAX = 1024;

/** Why a key is refused; the text completes the sentence "… is refused: ". */
export type KeyProblem =
  | 'it is empty'
  | 'it is longer than 1024 bytes of UTF-8'
  | 'it is not well-formed Unicode'
  | 'it contains a control character'
  | 'it begins with /'
  | 'it has an empty segment (//)'
  | 'it has a . or .. segment'
  | 'it ends with / (a directory marker, not an object)'
  | 'it lies in .pando, which Pando keeps for itself';

const CONTROL = /[\u0000-\u001f\u007f]/;

const DOT_SEGMENT = /(?:^|\/)\.\.?(?:\/|$)/;

/** The reason a key cannot be an object's name, or undefined when it can. */
export function findKeyProblem(key: string): KeyProblem | undefined {
  if (key === '') return 'it is empty';
  if (!key.isWellFormed()) return 'it is not well-formed Unicode';
  if (key.length * 3 > KEY_BYTES_MAX && utf8Length(key) > KEY_BYTES_MAX) return 'it is longer than 1024 bytes of UTF-8';
  if (CONTROL.test(key)) return 'it contains a control character';
  if (key.startsWith('/')) return 'it begins with /';
  if (isReserved(key)) return 'it lies in .pando, which Pando keeps for itself';
  if (key.endsWith('/')) return 'it ends with / (a directory marker, not an object)';
  if (key.includes('//')) return 'it has an empty segment (//)';
  if (DOT_SEGMENT.test(key)) return 'it has a . or .. segment';
  return undefined;
}

export function isReserved(key: string): boolean {
  return key === RESERVED_DIRECTORY || key.startsWith(`${RESERVED_DIRECTORY}/`);
}

/** Of what a store holds, objects and what was set aside: why a key is refused. */
export function findStoredKeyProblem(key: string): KeyProblem | undefined {
  if (!key.startsWith(DARK_DIRECTORY)) return findKeyProblem(key);
  return utf8Length(key) > KEY_BYTES_MAX
    ? 'it is longer than 1024 bytes of UTF-8'
    : findKeyProblem(key.slice(DARK_DIRECTORY.length));
}

/** Length in bytes of UTF-8, without encoding. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00) {
      bytes += 4;
      i++;
    } else bytes += 3;
  }
  return bytes;
}

/**
 * Order of two keys by their UTF-8 bytes: negative, 0 or positive.
 * UTF-16 order differs from it only where a surrogate meets a unit above U+DFFF; the units are shifted so that it does not.
 */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return byteRank(x) - byteRank(y);
  }
  return a.length - b.length;
}

function byteRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** A key as it may be printed on one line: control characters, backslashes and lone surrogates escaped. */
export function escapeKey(key: string): string {
  return escapeControls(key.replaceAll('\\', '\\\\'));
}

/** The same of a text whose backslashes mean something, such as a pattern: printed as it was written. */
export function escapeControls(text: string): string {
  return text.toWellFormed().replace(/[\u0000-\u001f\u007f\u0080-\u009f\u2028\u2029]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** Long enough to recognise a name by, short enough for a line. */
const QUOTED_LENGTH_MAX = 200;

/** The beginning of a key, whatever it is, as a message may quote it. */
export function quoteKey(key: string): string {
  const beginning = escapeKey(key.slice(0, QUOTED_LENGTH_MAX));
  return `"${beginning}${key.length > QUOTED_LENGTH_MAX ? '…' : ''}"`;
}

/** Raw bytes of a name that is not UTF-8, printable: valid ASCII as it is, everything else as \xNN. */
export function escapeBytes(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    text +=
      byte >= 0x20 && byte < 0x7f && byte !== 0x5c
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}
