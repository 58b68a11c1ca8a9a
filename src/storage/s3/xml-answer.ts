import type { IncomingMessage } from 'node:http';
import { parseXml, XmlElement, XmlError } from '@rgrove/parse-xml';
import { S3Failure } from './errors.ts';

/** A full page of the longest keys is a third of it. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** An element of an answer in XML: what stands in it is asked for by name. */
export class XmlAnswer {
  readonly #element: XmlElement;
  readonly #restore: Restore;

  constructor(element: XmlElement, restore: Restore) {
    this.#element = element;
    this.#restore = restore;
  }

  get name(): string {
    return this.#element.name;
  }

  text(name: string): string | undefined {
    const text = this.#children(name)[0]?.text;
    return text === undefined ? undefined : this.#restore(text);
  }

  all(name: string): readonly XmlAnswer[] {
    return this.#children(name).map((child) => new XmlAnswer(child, this.#restore));
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined || !/^\d{1,16}$/.test(text) ? undefined : Number(text);
  }

  date(name: string): Date | undefined {
    const date = new Date(this.text(name) ?? '');
    return Number.isNaN(date.getTime()) ? undefined : date;
  }

  #children(name: string): readonly XmlElement[] {
    return this.#element.children.filter(
      (child): child is XmlElement => child instanceof XmlElement && child.name === name,
    );
  }
}

/** Reads an answer to its end. One that stops, is cut, or is no XML has not come; one that is an error though it came as a success is that. */
export async function readXml(answer: IncomingMessage, idleMs: number): Promise<XmlAnswer> {
  const root = parse(await readText(answer, idleMs));
  if (root.name !== 'Error') return root;
  throw new S3Failure(root.text('Code') ?? 'InternalError', 200, root.text('Message') ?? '', root.text('RequestId'));
}

async function readText(answer: IncomingMessage, idleMs: number): Promise<string> {
  const stop = (): void =>
    void answer.destroy(new S3Failure('TimeoutError', 0, `no more of the answer within ${idleMs} ms`));
  const timer = setTimeout(stop, idleMs);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      timer.refresh();
      length += chunk.length;
      if (length > ANSWER_BYTES_MAX) throw notAsked();
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function parse(text: string): XmlAnswer {
  try {
    // While a server works on its answer it may send spaces, which must not stand before a declaration.
    const { sendable, restore } = withStandIns(text.trimStart());
    const { root } = parseXml(sendable, { ignoreUndefinedEntities: true });
    if (root !== null) return new XmlAnswer(root, restore);
  } catch (error) {
    // What is nested too deep overflows the stack.
    if (!(error instanceof XmlError || error instanceof RangeError)) throw error;
  }
  throw notAsked();
}

type Restore = (text: string) => string;

const REFERENCE = /&#(?:x([0-9a-f]{1,8})|([0-9]{1,8}));/gi;
/** XML 1.0 has no such characters, not even as references; keys may have them, and servers echo keys. */
const UNSENDABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

/** Characters that XML cannot carry become others, which occur nowhere in the text, and are themselves again where it is read. */
function withStandIns(text: string): { readonly sendable: string; readonly restore: Restore } {
  // References that a parser would refuse, and those of the planes where stand-ins are taken from, are the characters.
  const plain = text.replace(REFERENCE, (whole, hex: string | undefined, decimal: string) => {
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    const isLeft = code > 0x10ffff || (code >= 0x20 && code < 0xfffe) || code === 0x9 || code === 0xa || code === 0xd;
    return isLeft ? whole : String.fromCodePoint(code);
  });
  const high = unusedSurrogate(plain);
  const sendable = plain.replace(UNSENDABLE, (char) => high + String.fromCharCode(LOW + (char.charCodeAt(0) & 0x3ff)));
  if (sendable === plain) return { sendable, restore: (read) => read };
  const standIn = new RegExp(`${high}([\\udc00-\\udfff])`, 'g');
  return {
    sendable,
    restore: (read) => read.replace(standIn, (_, low: string) => originalOf(low.charCodeAt(0) - LOW)),
  };
}

/** Second halves of surrogate pairs begin here; they have ten bits, of which the last two values are those of U+FFFE and U+FFFF. */
const LOW = 0xdc00;

function originalOf(bits: number): string {
  return String.fromCharCode(bits >= 0x3fe ? 0xfc00 + bits : bits);
}

/** The first half of characters of the private planes, which keys may have, too. */
function unusedSurrogate(text: string): string {
  for (let high = 0xdbff; high >= 0xdb80; high--) {
    const half = String.fromCharCode(high);
    if (!text.includes(half)) return half;
  }
  throw notAsked();
}

/** The page of something else on the way, mostly. */
export function notAsked(): S3Failure {
  return new S3Failure('UnexpectedAnswer', 200, 'it is not what was asked for');
}
