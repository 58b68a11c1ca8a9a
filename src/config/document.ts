import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument as parseYaml } from 'yaml';
import type { Document as YamlDocument, Pair, ParsedNode, YAMLError, YAMLMap } from 'yaml';
import { escapeKey } from '../domain/object/key.ts';
import type { ConfigurationPath } from './problem.ts';

/** Nodes after aliases are followed: an alias of aliases of aliases must not fill the memory. */
const NODES_MAX = 100_000;
/** Deeper than any configuration; keeps the walk off the end of the stack. */
const DEPTH_MAX = 100;

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What is wrong with the text itself, before anybody asks what it means. */
export interface Flaw extends Position {
  readonly path: ConfigurationPath;
  readonly message: string;
  readonly remedy: string;
}

/**
 * A YAML or JSON text (JSON is read as the subset of YAML it is) as plain data with the place of every value. Mappings have no
 * prototype, so `__proto__` is a key like any other; an empty value is undefined.
 */
export interface ConfigurationDocument {
  readonly value: unknown;
  /** False where the text broke: then `value` is a guess, and only `flaws` are worth reporting. */
  readonly isReadable: boolean;
  readonly flaws: readonly Flaw[];
  readonly locate: (path: ConfigurationPath, at: 'key' | 'value') => Position;
}

export function parseDocument(text: string): ConfigurationDocument {
  const lines = new LineCounter();
  const yaml = parseYaml(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, resolveKnownTags: false });
  const walk = new Walk(yaml, lines);
  const value = walk.read(yaml.contents, [], 0);
  const syntax = syntaxFlaws([...yaml.errors, ...yaml.warnings], text, lines);
  const flaws = [...syntax, ...walk.flaws].toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { value, isReadable: syntax.length === 0, flaws, locate: (path, at) => walk.locate(path, at) };
}

class Walk {
  readonly flaws: Flaw[] = [];
  readonly #yaml: YamlDocument.Parsed;
  readonly #lines: LineCounter;
  readonly #offsets = new Map<string, { key: number; value: number }>();
  #nodes = 0;

  constructor(yaml: YamlDocument.Parsed, lines: LineCounter) {
    this.#yaml = yaml;
    this.#lines = lines;
  }

  read(node: ParsedNode | null | undefined, path: ConfigurationPath, depth: number): unknown {
    if (node === null || node === undefined) return undefined;
    if (this.#nodes > NODES_MAX) return undefined;
    this.#nodes += depth > DEPTH_MAX ? NODES_MAX : 1;
    if (this.#nodes > NODES_MAX) {
      this.#flaw(path, node, 'the text is nested or repeated beyond all measure', 'remove aliases of aliases');
      return undefined;
    }
    if (isAlias(node)) return this.#readAlias(node, path, depth);
    if (isMap(node)) return this.#readMap(node, path, depth);
    if (isSeq(node)) {
      return node.items.map((item, i) => {
        const inner = [...path, i];
        const offset = item.range[0];
        this.#offsets.set(JSON.stringify(inner), { key: offset, value: offset });
        return this.read(item, inner, depth + 1);
      });
    }
    return isScalar(node) ? (node.value ?? undefined) : undefined;
  }

  /** The place of a value, or of the nearest thing around it that the file has. */
  locate(path: ConfigurationPath, at: 'key' | 'value'): Position {
    for (let length = path.length; length > 0; length--) {
      const found = this.#offsets.get(JSON.stringify(path.slice(0, length)));
      const isWhole = length === path.length && at === 'value';
      if (found !== undefined) return this.#position(isWhole ? found.value : found.key);
    }
    return { line: 1, column: 1 };
  }

  #readAlias(alias: ParsedNode, path: ConfigurationPath, depth: number): unknown {
    const target = isAlias(alias) ? alias.resolve(this.#yaml) : undefined;
    if (target !== undefined) return this.read(target as ParsedNode, path, depth + 1);
    this.#flaw(path, alias, 'the alias refers to an anchor that is not set before it', 'set it earlier with &name');
    return undefined;
  }

  #readMap(map: YAMLMap.Parsed, path: ConfigurationPath, depth: number): unknown {
    const value: Record<string, unknown> = Object.create(null);
    const own = new Map<string, number>();
    const merged: unknown[] = [];
    for (const pair of map.items) {
      const key = this.#readKey(pair, path);
      if (key === undefined) continue;
      const offset = pair.key.range[0];
      const inner = [...path, key];
      const first = own.get(key);
      if (first !== undefined) {
        const { line } = this.#position(first);
        this.#flaw(inner, pair.key, `${escapeKey(key)} is written twice, first on line ${line}`, 'keep one of the two');
        continue;
      }
      own.set(key, offset);
      if (key === '<<') {
        merged.push(...[this.read(pair.value, inner, depth + 1)].flat());
        continue;
      }
      this.#offsets.set(JSON.stringify(inner), { key: offset, value: pair.value?.range[0] ?? offset });
      value[key] = this.read(pair.value, inner, depth + 1);
    }
    for (const source of merged) {
      if (typeof source !== 'object' || source === null) continue;
      for (const [key, inherited] of Object.entries(source)) if (!(key in value)) value[key] = inherited;
    }
    return value;
  }

  #readKey(pair: Pair<ParsedNode, ParsedNode | null>, path: ConfigurationPath): string | undefined {
    // The text of a plain key, not its value: 1.10 is a name and not the number 1.1.
    if (isScalar(pair.key)) return pair.key.source ?? String(pair.key.value);
    this.#flaw(path, pair.key, 'a key is not text', 'write it as plain text');
    return undefined;
  }

  #flaw(path: ConfigurationPath, node: ParsedNode, message: string, remedy: string): void {
    this.flaws.push({ path, ...this.#position(node.range[0]), message, remedy });
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** The parser's own messages quote the file, which may quote a secret: only its codes are used. */
const SLIPS: Readonly<Partial<Record<YAMLError['code'], readonly [string, string]>>> = {
  TAB_AS_INDENT: ['is indented with a tab', 'indent with spaces'],
  MULTIPLE_DOCS: ['begins a second document', 'keep one document and remove the line ---'],
  BAD_DQ_ESCAPE: ['has an unknown escape after a backslash', 'double the backslash, or use single quotes'],
  BAD_SCALAR_START: ['begins with a character that needs quotes', 'put the value in quotes'],
  TAG_RESOLVE_FAILED: ['has a tag (!…) that means nothing here', 'remove the tag, or put the value in quotes'],
};

/** After one of these the parser guesses, and what it says of the rest of the file means little. */
const BREAKS: typeof SLIPS = {
  BAD_INDENT: ['is not indented like what it belongs to', 'line it up with its neighbours, and close every bracket'],
  BLOCK_AS_IMPLICIT_KEY: ['has a second ": " on one line', 'put a value that contains ": " in quotes'],
  MISSING_CHAR: ['lacks a quote, bracket, comma or colon here or just above', 'add it'],
};
const OTHER_BREAK = ['is not valid YAML', 'look for a missing quote, colon or indentation here or just above'] as const;
const BARE_REFERENCE = ['has ${…} inside { } or [ ] without quotes', 'put it in quotes: "${NAME}"'] as const;

/** Every slip, and of the breaks the first. */
function syntaxFlaws(errors: readonly YAMLError[], text: string, lines: LineCounter): Flaw[] {
  const firstBreak = errors.find(({ code }) => !(code in SLIPS));
  return errors
    .filter((error) => error === firstBreak || error.code in SLIPS)
    .map((error) => {
      const { line, col } = lines.linePos(error.pos[0]);
      const isReference =
        error === firstBreak && text.slice(Math.max(0, error.pos[0] - 1), error.pos[0] + 2).includes('${');
      const [message, remedy] = isReference ? BARE_REFERENCE : (SLIPS[error.code] ?? BREAKS[error.code] ?? OTHER_BREAK);
      return { path: [], line: Math.max(1, line), column: Math.max(1, col), message: `the text ${message}`, remedy };
    });
}
