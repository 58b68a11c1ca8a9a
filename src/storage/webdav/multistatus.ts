import { parseXml, type XmlElement, XmlError } from '@rgrove/parse-xml';
import { DavFailure } from './dav-errors.ts';

/** What a server tells of one resource. */
export interface DavResource {
  /** As it was written: percent-encoded, with or without scheme and host. */
  readonly href: string;
  readonly isCollection: boolean;
  readonly size: number;
  /** As it was written; undefined: the server has none. */
  readonly etag: string | undefined;
  readonly modifiedMs: number | undefined;
}

/** What we ask for, and nothing else: so no text of a stranger's is in the answer. */
export const PROPFIND_BODY = Buffer.from(
  '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>' +
    '<resourcetype/><getcontentlength/><getetag/><getlastmodified/></prop></propfind>',
);

/** One resource told at greater length than this is none. */
const RESPONSE_CHARACTERS_MAX = 1024 * 1024;
const RESPONSE = /<(?:[\w.-]+:)?response[\s>][\s\S]*?<\/(?:[\w.-]+:)?response\s*>/g;
const END = /<\/(?:[\w.-]+:)?multistatus\s*>/;

/**
 * The resources of a `multistatus` as it comes in: held are one response and what came with it, however many there are. One that
 * ends before its end is no listing.
 */
export async function* readMultistatus(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<DavResource> {
  const decoder = new TextDecoder('utf-8');
  let text = '';
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    let read = 0;
    for (const found of text.matchAll(RESPONSE)) {
      read = found.index + found[0].length;
      const resource = parseResponse(found[0]);
      if (resource !== undefined) yield resource;
    }
    text = text.slice(read);
    if (text.length > RESPONSE_CHARACTERS_MAX)
      throw new DavFailure(207, 'corrupt', 'the server tells too much of one name');
  }
  if (!END.test(text)) throw new DavFailure(207, 'unavailable', 'the listing ended before its end');
}

/** Undefined where the server says of the resource that it is not there. */
function parseResponse(xml: string): DavResource | undefined {
  const response = parse(xml);
  const href = textOf(childrenOf(response, 'href')[0]);
  if (href === '') throw new DavFailure(207, 'corrupt', 'the server tells of something without a name');
  const status = childrenOf(response, 'status')[0];
  if (status !== undefined && !isSuccess(status)) return undefined;
  const told = childrenOf(response, 'propstat').filter((one) => isSuccess(childrenOf(one, 'status')[0]));
  const properties = told.flatMap((one) => childrenOf(one, 'prop'));
  const find = (name: string): XmlElement | undefined => properties.flatMap((one) => childrenOf(one, name))[0];
  const etag = textOf(find('getetag'));
  const modifiedMs = Date.parse(textOf(find('getlastmodified')));
  return {
    href,
    isCollection: childrenOf(find('resourcetype'), 'collection').length > 0,
    size: Number(textOf(find('getcontentlength')) || 0),
    etag: etag === '' ? undefined : etag,
    modifiedMs: Number.isNaN(modifiedMs) ? undefined : modifiedMs,
  };
}

/** No document type can be in it, so no entity is ever defined. */
function parse(xml: string): XmlElement | undefined {
  try {
    return parseXml(xml).root ?? undefined;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new DavFailure(207, 'corrupt', 'the listing is not well-formed XML', error);
  }
}

/** By their names without prefix: nothing but what we asked for comes. */
function childrenOf(element: XmlElement | undefined, name: string): XmlElement[] {
  const children = (element?.children ?? []) as readonly { type: string; name?: string }[];
  return children.filter(
    (child) => child.type === 'element' && child.name?.replace(/^.*:/, '') === name,
  ) as XmlElement[];
}

function textOf(element: XmlElement | undefined): string {
  return element?.text.trim() ?? '';
}

function isSuccess(status: XmlElement | undefined): boolean {
  return /\s2\d\d(\s|$)/.test(textOf(status));
}
