import {
  DARK_DIRECTORY,
  escapeBytes,
  escapeKey,
  findStoredKeyProblem,
  isReserved,
  KEY_BYTES_MAX,
  RESERVED_DIRECTORY,
  utf8Length,
} from '../../domain/object/key.ts';
import { StorageError } from '../../ports/storage.ts';
import { checkKey } from '../check-key.ts';

/** An object, by Pando's key (for messages) and by the bucket's. */
export interface ObjectAt {
  readonly key: string;
  readonly fullKey: string;
}

const AFTER_RESERVED = `${RESERVED_DIRECTORY}/\u{10ffff}`;

export type ListedKey =
  | { readonly kind: 'object'; readonly key: string }
  | { readonly kind: 'marker' }
  /** `after`: sorts after all that lies in Pando's own directory, and before every other key; undefined for a key that is its name. */
  | { readonly kind: 'own'; readonly after: string | undefined }
  | {
      readonly kind: 'failure';
      readonly failure: 'not-utf8' | 'invalid-key';
      readonly shown: string;
      readonly protects: string;
      readonly message: string;
    };

/** Between Pando's keys and the bucket's: the prefix, what is reserved, and what S3 takes. */
export class KeySpace {
  readonly #store: string;
  readonly #prefix: string;

  constructor(store: string, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  /** Where an object lies; refuses a key that may not be one. */
  at(key: string): ObjectAt {
    checkKey(this.#store, key);
    const fullKey = this.#prefix + key;
    if (fullKey.length * 3 > KEY_BYTES_MAX && utf8Length(fullKey) > KEY_BYTES_MAX) {
      const where = { store: this.#store, key: escapeKey(key.slice(0, 200)) };
      throw new StorageError(
        'invalid-key',
        where,
        'the key is refused: with the prefix it is longer than 1024 bytes of UTF-8',
      );
    }
    return { key, fullKey };
  }

  /** Where something lies that Pando keeps for itself: `lease`, `uploads/…`. */
  ownAt(name: string): ObjectAt {
    const key = `${RESERVED_DIRECTORY}/${name}`;
    return { key, fullKey: this.#prefix + key };
  }

  /** The bucket's form of anything that only narrows a listing; not checked. */
  listed(part: string): string {
    return this.#prefix + part;
  }

  /** What a key of a listing is; servers that do not know `encoding-type=url` give it as it is. `below`: what was listed. */
  readListed(listed: string, isEncoded: boolean, below: string): ListedKey {
    const full = isEncoded ? decodeListedKey(listed) : listed;
    if (full instanceof Uint8Array) {
      const rest = full.subarray(Buffer.byteLength(this.#prefix));
      const message = 'the key is not UTF-8';
      return {
        kind: 'failure',
        failure: 'not-utf8',
        shown: escapeBytes(rest),
        protects: readableDirectory(rest),
        message,
      };
    }
    if (!full.startsWith(this.#prefix)) {
      const message = `the store lists it although it does not begin with ${this.#prefix}`;
      return { kind: 'failure', failure: 'invalid-key', shown: escapeKey(full), protects: '', message };
    }
    const key = full.slice(this.#prefix.length);
    if (isReserved(key) && !below.startsWith(DARK_DIRECTORY))
      return { kind: 'own', after: key === RESERVED_DIRECTORY ? undefined : AFTER_RESERVED };
    if (key === '' || key.endsWith('/')) return { kind: 'marker' };
    const problem = findStoredKeyProblem(key);
    if (problem === undefined) return { kind: 'object', key };
    const message = `the key is refused: ${problem}`;
    return { kind: 'failure', failure: 'invalid-key', shown: escapeKey(key), protects: key, message };
  }
}

/** A key of a listing with `encoding-type=url`: text, or bytes where it is not UTF-8. Amazon writes a space as `+`. */
function decodeListedKey(encoded: string): string | Uint8Array {
  if (!encoded.includes('%') && !encoded.includes('+')) return encoded;
  const spaced = encoded.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return Buffer.from(
      spaced.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
      'latin1',
    );
  }
}

/** The directory of a key that is not UTF-8, as far as it is plain ASCII: nothing below it may be taken for absent. */
function readableDirectory(key: Uint8Array): string {
  const readable = /^[\u0020-\u007e]*/.exec(Buffer.from(key).toString('latin1'))?.[0] ?? '';
  return readable.slice(0, readable.lastIndexOf('/') + 1);
}
