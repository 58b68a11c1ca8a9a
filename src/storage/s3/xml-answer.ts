import type { IncomingMessage } from 'node:http';
import { parseXml, XmlElement, XmlError } from '@rgrove/parse-xml';
import { S3Failure } from './errors.ts';

/** A full page of the longest keys is a third of it. */
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;

/** An element of an answer in XML: what stands in it is asked for by name. */
export class XmlAnswer {
  readonly #element: XmlElement;

  constructor(element: XmlElement) {
    this.#element = element;
  }

  get name(): string {
    return this.#element.name;
  }

  text(name: string): string | undefined {
    return this.#children(name)[0]?.text;
  }

  all(name: string): readonly XmlAnswer[] {
    return this.#children(name).map((child) => new XmlAnswer(child));
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

function parse(text: string): XmlAnswer {
  try {
    // While a server works on its answer it may send spaces, which must not stand before a declaration.
    const { root } = parseXml(text.trimStart());
    if (root !== null) return new XmlAnswer(root);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
  }
  throw notAsked();
}

/** The page of something else on the way, mostly. */
export function notAsked(): S3Failure {
  return new S3Failure('UnexpectedAnswer', 200, 'it is not what was asked for');
}
