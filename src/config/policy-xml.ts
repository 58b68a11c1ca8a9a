import { XmlElement, XmlText } from '@rgrove/parse-xml';
import type { ConfigurationDocument, Flaw, Position } from './document.ts';
import type { ConfigurationPath } from './problem.ts';
import { suggest } from './suggestion.ts';
import { briefly, parseXmlRoot } from './xml-root.ts';
import type { XmlFlaw } from './xml-root.ts';

/** The names of a policy in XML. Each is a key in YAML: `maxObjectSize` is `max_object_size`. */
export interface PolicyNames {
  readonly root: string;
  readonly attributes: readonly string[];
  /** Those of the attributes that are true (also written 1) or false (0). */
  readonly flags: readonly string[];
  readonly elements: readonly string[];
  /** Elements that may be there again and again, and are a list in YAML. */
  readonly lists: readonly string[];
}

/** A policy's XML as what it would be in YAML. */
export interface PolicyXml {
  /** In the names of XML, which are those its problems speak of. */
  readonly document: ConfigurationDocument;
  /** In the keys of YAML. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** More are not looked for: whoever mends these is told the next ones. */
const FLAWS_MAX = 20;

/** A value, and where it stands. */
interface Field {
  readonly name: string;
  readonly value: string;
  readonly offset: number;
}

/** Reads names and nesting; what values mean is asked of `input`. Namespaces are not looked at. */
export function parsePolicyXml(source: string, names: PolicyNames): PolicyXml {
  // The parser mends other line ends one by one, each at the cost of the whole text.
  const text = source.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  const parsed = parseXmlRoot(text);
  if ('flaw' in parsed) return flawed(text, parsed.flaw);
  const { root } = parsed;
  if (localName(root.name) !== names.root) {
    const message = `the text is <${briefly(root.name)}>, and not <${names.root}>`;
    return flawed(text, { offset: root.start, message, remedy: `give one that begins with <${names.root}>` });
  }
  return readFields(text, root, names);
}

function readFields(text: string, root: XmlElement, names: PolicyNames): PolicyXml {
  const values: Record<string, string> = Object.create(null);
  const lists: Record<string, string[]> = Object.create(null);
  const offsets = new Map<string, number>();
  const flaws: Flaw[] = [];
  const flaw = (path: ConfigurationPath, { offset, message, remedy }: XmlFlaw) =>
    flaws.push({ path: [names.root, ...path], ...positionOf(text, offset), message, remedy });
  const put = ({ name, value, offset }: Field) => {
    const first = offsets.get(JSON.stringify([name]));
    if (names.lists.includes(name)) {
      const list = (lists[name] ??= []);
      offsets.set(JSON.stringify([name, list.push(value) - 1]), offset);
    } else if (first === undefined) {
      offsets.set(JSON.stringify([name]), offset);
      values[name] = value;
    } else {
      const message = `${name} is written twice, first on line ${positionOf(text, first).line}`;
      flaw([name], { offset, message, remedy: 'keep one of the two' });
    }
  };

  for (const field of attributesOf(root, text)) {
    if (flaws.length >= FLAWS_MAX) break;
    if (names.attributes.includes(field.name)) put(field);
    else flaw([briefly(field.name)], unknown('attribute', field, names.attributes));
  }
  for (const child of root.children) {
    if (flaws.length >= FLAWS_MAX) break;
    if (child instanceof XmlText && child.text.trim() !== '') {
      const message = `${names.root} has text between its elements`;
      flaw([], { offset: child.start, message, remedy: 'put each value into an element' });
    }
    if (!(child instanceof XmlElement)) continue;
    const field = { name: localName(child.name), value: child.text.trim(), offset: child.start };
    const known = [...names.elements, ...names.lists];
    if (!known.includes(field.name)) flaw([briefly(field.name)], unknown('element', field, known));
    else if (child.children.some((inner) => inner instanceof XmlElement)) {
      flaw([field.name], { ...field, message: `${field.name} has elements in it`, remedy: 'write one value in it' });
    } else {
      put(field);
      for (const inner of attributesOf(child, text)) flaw([field.name], unknown('attribute', inner, []));
    }
  }
  const locate = (path: ConfigurationPath) =>
    positionOf(text, offsets.get(JSON.stringify(path.slice(1))) ?? root.start);
  return {
    document: { value: { [names.root]: { ...values, ...lists } }, isReadable: true, flaws, locate },
    input: {
      ...mapKeys(values, (name, value) => asFlag(name, value, names)),
      ...mapKeys(lists, (_, list) => list),
    },
  };
}

function mapKeys<T>(record: Record<string, T>, convert: (name: string, value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [keyOf(name), convert(name, value)]));
}

function asFlag(name: string, value: string, { flags }: PolicyNames): string {
  if (!flags.includes(name)) return value;
  return value === '1' ? 'true' : value === '0' ? 'false' : value;
}

/** The key in YAML of a name in XML. */
export function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Looked for one by one, because the parser tells where elements stand, and not their attributes. */
function* attributesOf(element: XmlElement, text: string): Generator<Field> {
  for (const [name, value] of Object.entries(element.attributes)) {
    if (/^(?:xmlns$|xmlns:|xsi:)/.test(name)) continue;
    const at = text.indexOf(name, element.start + element.name.length);
    yield { name, value: value.trim(), offset: at < 0 ? element.start : at };
  }
}

function unknown(kind: 'attribute' | 'element', { name, offset }: Field, known: readonly string[]): XmlFlaw {
  const message = `${briefly(name)} is not an ${kind} that Pando knows here`;
  return { offset, message, remedy: suggest(name, known) };
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function flawed(text: string, { offset, message, remedy }: XmlFlaw): PolicyXml {
  const position = positionOf(text, offset);
  const flaws = [{ path: [], ...position, message, remedy }];
  return { document: { value: undefined, isReadable: false, flaws, locate: () => position }, input: {} };
}

function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: before.length - lineStart + 1 };
}
