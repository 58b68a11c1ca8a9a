import { parseXml, XmlError } from '@rgrove/parse-xml';
import type { XmlElement } from '@rgrove/parse-xml';

/** What is wrong at an offset of a text. */
export interface XmlFlaw {
  readonly offset: number;
  readonly message: string;
  readonly remedy: string;
}

/**
 * The root element of an XML text whose lines end with '\n', or the one reason why there is none. Document types are refused, so
 * no entity is ever defined, let alone expanded.
 */
export function parseXmlRoot(text: string): { readonly root: XmlElement } | { readonly flaw: XmlFlaw } {
  const doctype = findDoctype(text);
  if (doctype !== undefined) {
    const remedy = 'remove it: neither it nor the entities in it are read';
    return { flaw: { offset: doctype, message: 'the text has a document type (<!DOCTYPE …>)', remedy } };
  }
  try {
    const { root } = parseXml(text, { includeOffsets: true });
    if (root !== null) return { root };
    return { flaw: { offset: 0, message: 'the text has no element', remedy: 'write one' } };
  } catch (error) {
    if (error instanceof XmlError) return { flaw: describeXmlError(error) };
    // The parser's depth is that of the text.
    if (!(error instanceof RangeError)) throw error;
    const message = 'the text nests elements beyond all measure';
    return { flaw: { offset: 0, message, remedy: 'write values directly below the first element' } };
  }
}

function describeXmlError({ message, pos }: XmlError): XmlFlaw {
  const reason = message.replace(/ \(line \d+, column [\s\S]*/, '');
  const entity = /^Named entity isn't defined: (.*)/s.exec(reason)?.[1];
  if (entity !== undefined) {
    const remedy = 'write the character itself; only &lt; &gt; &amp; &quot; &apos; and &#…; are known';
    return { offset: pos, message: `the text has the entity ${briefly(entity)}, which nothing defines`, remedy };
  }
  const said = `${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
  return {
    offset: pos,
    message: `the text is not well-formed XML: ${briefly(said)}`,
    remedy: 'mend it here or just above',
  };
}

/** Where the document type stands, which only white space, comments and `<?…?>` may come before. */
function findDoctype(text: string): number | undefined {
  const space = /\s*/y;
  for (let at = 0; ; ) {
    space.lastIndex = at;
    at += space.exec(text)?.[0].length ?? 0;
    if (text.startsWith('<!DOCTYPE', at)) return at;
    const end = text.startsWith('<!--', at) ? '-->' : text.startsWith('<?', at) ? '?>' : undefined;
    const found = end === undefined ? -1 : text.indexOf(end, at + 2);
    if (end === undefined || found < 0) return undefined;
    at = found + end.length;
  }
}

const LENGTH_MAX = 80;

/** Text of others as it may stand in a message. */
export function briefly(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > LENGTH_MAX ? `${line.slice(0, LENGTH_MAX)}…` : line;
}
