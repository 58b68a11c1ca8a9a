import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Path below the repository → text. */
type Sources = Readonly<Record<string, string>>;
/** Sentences about what breaks the wall. */
type Wall = (sources: Sources) => string[];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const repository = resolve(import.meta.dirname, '..');

const belowCompose = ['domain', 'ports', 'engine', 'storage', 'catalog', 'transfer-tools', 'system'];

// Which room may import which: the table of ARCHITECTURE.md. A room may always import itself; a file directly under src/ is a room.
const rooms: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  ports: ['domain'],
  engine: ['domain', 'ports'],
  storage: ['domain', 'ports'],
  catalog: ['domain', 'ports'],
  'transfer-tools': ['domain', 'ports'],
  system: ['domain', 'ports'],
  config: ['domain'],
  testing: ['domain', 'ports'],
  // What compose.ts and worker-entry.ts share: a worker loads the adapters of its own stores and nothing else.
  'open-storage.ts': ['domain', 'ports', 'config', 'storage', 'system'],
  // The catalog of a configuration.
  'open-catalog.ts': ['ports', 'config', 'catalog'],
  // The stores of a configuration, as rules and transfers use them.
  'describe-stores.ts': ['domain', 'ports', 'config', 'engine'],
  // Who carries out pages: this process, or whoever takes them from the catalog.
  'open-bandwidths.ts': ['config', 'open-storage.ts', ...belowCompose],
  'open-pool.ts': ['config', 'open-storage.ts', 'open-bandwidths.ts', ...belowCompose],
  'open-queue-pool.ts': ['config', 'open-storage.ts', 'open-pool.ts', ...belowCompose],
  // The tools that outlive their workers, of a configuration and of a program.
  'open-transfer-tools.ts': ['config', 'ports', 'engine', 'transfer-tools'],
  // What a catalog is told of a profile's scope.
  'declare-scope.ts': ['config', 'ports'],
  // Files to stores and back, as compose.ts puts them together.
  'compose-files.ts': ['compose.ts', 'domain', 'ports', 'engine', 'storage'],
  // Audits of stores and plans about them.
  'store-desk.ts': ['domain', 'ports', 'engine', 'system'],
  'compose.ts': [
    'config',
    'open-storage.ts',
    'describe-stores.ts',
    'declare-scope.ts',
    'open-catalog.ts',
    'open-bandwidths.ts',
    'open-pool.ts',
    'open-queue-pool.ts',
    'open-transfer-tools.ts',
    'store-desk.ts',
    ...belowCompose,
  ],
  'worker-entry.ts': ['config', 'open-storage.ts', 'open-bandwidths.ts', ...belowCompose],
  // HTTP: what is asked of a site, by whatever answers it.
  server: ['domain', 'ports', 'engine'],
  // What administrators ask for, by the library's face.
  'server-desk.ts': ['compose.ts', 'client', 'domain', 'engine', 'server'],
  // A site's server, put together.
  'compose-server.ts': [
    'compose.ts',
    'server-desk.ts',
    'replication-desk.ts',
    'open-site.ts',
    'config',
    'domain',
    'ports',
    'engine',
    'peers',
    'server',
  ],
  // From site to site, over HTTP: both ends.
  peers: ['domain', 'ports'],
  // One site of several: its streams, its fetches, and what answers its peers.
  'open-site.ts': ['ports', 'engine', 'peers'],
  // What administrators ask about replication.
  'replication-desk.ts': ['compose.ts', 'client', 'config', 'ports', 'server'],
  // What is asked of peers, and told to them, by commands.
  'compose-sites.ts': ['compose.ts', 'domain', 'ports', 'engine', 'peers'],
  client: ['compose.ts', 'compose-files.ts', 'compose-sites.ts', 'config', 'domain', 'ports'],
  cli: ['client', 'compose.ts', 'compose-server.ts', 'config', 'domain'],
  // Classes of errors that a program catches.
  'engine-errors.ts': ['engine'],
  // What a tool of a program throws is the port's.
  'index.ts': ['client', 'config', 'ports', 'engine-errors.ts'],
};

// The library's face and the commands speak of the same things as the rooms below them: their types, not their code.
const typesFromBelow: Readonly<Record<string, readonly string[]>> = {
  client: ['engine', 'open-transfer-tools.ts'],
  'worker-entry.ts': ['open-pool.ts'],
  cli: ['ports', 'engine'],
  'index.ts': ['domain', 'ports', 'engine', 'compose.ts', 'open-pool.ts', 'open-transfer-tools.ts'],
};

const directions: Wall = (sources) =>
  importsOf(sources).flatMap(({ from, to, typeOnly }) => {
    const [here, there] = [roomOf(from), roomOf(to)];
    const allowed = rooms[here];
    if (allowed === undefined) return [`${from}: src/${here} is not in the table of rooms`];
    if (here === there || allowed.includes(there)) return [];
    if (typeOnly && typesFromBelow[here]?.includes(there)) return [];
    return [`${from} imports ${to}: ${here} may import ${allowed.join(', ') || 'nothing'}`];
  });

const resolvedImports: Wall = (sources) =>
  importsOf(sources)
    .filter(({ to }) => !(to in sources))
    .map(({ from, to }) => `${from} imports ${to}, which does not exist`);

const noCycles: Wall = (sources) => {
  const next = new Map<string, string[]>();
  // Two types may speak of each other; that is gone when the code runs.
  for (const { from, to, typeOnly } of importsOf(sources))
    if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) cycles.push([...trail.slice(seenAt), path].join(' → '));
    if (seenAt >= 0 || done.has(path)) return;
    for (const to of next.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return cycles;
};

const noExportStar: Wall = (sources) => matches(sources, /\bexport\s*\*/g, 'src/');

const ambient =
  /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bperformance\.|\bAbortSignal\.timeout\b|\brandomUUID\b|\brandomBytes\b|\bprocess\.hrtime\b/g;

const nothingAmbient: Wall = (sources) =>
  ['src/domain/', 'src/engine/'].flatMap((room) => matches(withoutStrings(sources), ambient, room));

const domainIsPure: Wall = (sources) => matches(sources, /['"]node:[\w/]+['"]/g, 'src/domain/');

const linesMax = 400;
const smallFiles: Wall = (sources) =>
  Object.entries(sources)
    .filter(([path]) => isCode(path))
    .map(([path, text]) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${linesMax}`);

const noRegistryHost: Wall = (sources) =>
  Object.entries(sources).flatMap(([path, text]) =>
    [...text.matchAll(/\bregistry\.[a-z\d-]+\.[a-z]{2,}|"resolved": "https?:[^"]*/g)].map(
      ([found]) => `${path}: ${found}`,
    ),
  );

/** `docs/stores.md, "Errors"`, also where a comment breaks the line. */
const reference = /\b((?:docs\/[\w/-]+|[A-Z]+)\.md)(?:,\s+"([^"]+)")?/g;

const namedHeadings: Wall = (sources) =>
  Object.entries(sources)
    .filter(([path]) => isCode(path))
    .flatMap(([path, text]) => [...inOneLine(text).matchAll(reference)].map((found) => ({ path, found })))
    .map(({ path, found }) => ({ path, page: found[1] ?? '', heading: found[2] }))
    .filter(({ page, heading }) => !headingsOf(sources[page])?.has(heading ?? ''))
    .map(({ path, page, heading }) => `${path} names ${page}${heading === undefined ? '' : `, "${heading}"`}`);

describe('the house', () => {
  const code = withoutComments(read(repository, isSource));
  const everything = read(repository, isText);
  const shipped = Object.fromEntries(Object.entries(everything).filter(([path]) => !path.startsWith('test/house')));

  test.each<[string, Wall, Sources]>([
    ['a room imports only what stands below it', directions, code],
    ['every import leads to a file', resolvedImports, code],
    ['no file reaches itself through its imports', noCycles, code],
    ['nothing exports everything', noExportStar, code],
    ['domain and engine have no clock, timer or dice of their own', nothingAmbient, code],
    ['the domain touches no Node', domainIsPure, code],
    ['a file is one concept', smallFiles, everything],
    ['no registry is named', noRegistryHost, everything],
    ['what a comment refers to is in the docs', namedHeadings, shipped],
  ])('%s', (_name, wall, sources) => {
    expect(wall(sources)).toEqual([]);
  });
});

describe('each wall catches what breaks it', () => {
  const a = 'src/domain/object/a.ts';
  const docs = { 'docs/a.md': '# A page\n\n## Type `file`\n' };

  test.each<[string, Wall, Sources]>([
    ['the domain importing a port', directions, { [a]: "import { b } from '../../ports/b.ts';" }],
    ['a type imported upwards', directions, { [a]: "import type { B } from '../../ports/b.ts';" }],
    ['a re-export upwards', directions, { [a]: "export { b } from '../../ports/b.ts';" }],
    ['a dynamic import upwards', directions, { [a]: "await import('../../engine/b.ts');" }],
    ['an import for its side effect', directions, { [a]: "import '../../engine/b.ts';" }],
    ['an import over several lines', directions, { [a]: "import {\n  b,\n  c,\n} from '../../engine/b.ts';" }],
    ['the engine naming an adapter', directions, { 'src/engine/e.ts': "import { s } from '../storage/s3/s.ts';" }],
    ['the client naming an adapter', directions, { 'src/client/c.ts': "import { s } from '../catalog/s.ts';" }],
    ['the client running the engine', directions, { 'src/client/c.ts': "import { s } from '../engine/s.ts';" }],
    ['the client reading the clock', directions, { 'src/client/c.ts': "import type { s } from '../system/s.ts';" }],
    ['an adapter naming another', directions, { 'src/storage/s.ts': "import type { C } from '../catalog/c.ts';" }],
    ['a room that nobody planned', directions, { 'src/utils/u.ts': "import { b } from '../ports/b.ts';" }],
    ['an import into nowhere', resolvedImports, { [a]: "import { b } from './b.ts';" }],
    ['a cycle of two', noCycles, { [a]: "import './b.ts';", 'src/domain/object/b.ts': "import './a.ts';" }],
    ['a file that imports itself', noCycles, { [a]: "import { a } from './a.ts';" }],
    ['export *', noExportStar, { [a]: "export * from './b.ts';" }],
    ['export * as', noExportStar, { [a]: "export * as b from './b.ts';" }],
    ['the wall clock', nothingAmbient, { [a]: 'const now = Date.now();' }],
    ['the wall clock in a template', nothingAmbient, { [a]: 'const now = `${Date.now()}`;' }],
    ['a date of now', nothingAmbient, { 'src/engine/e.ts': 'const now = new Date();' }],
    ['a timer', nothingAmbient, { 'src/engine/e.ts': 'setTimeout(() => {}, 1);' }],
    ['a deadline', nothingAmbient, { 'src/engine/e.ts': 'AbortSignal.timeout(5);' }],
    ['dice', nothingAmbient, { 'src/engine/e.ts': "import { randomUUID } from 'node:crypto';" }],
    ['Node in the domain', domainIsPure, { [a]: "import { createHash } from 'node:crypto';" }],
    ['a file of 401 lines', smallFiles, { [a]: '\n'.repeat(linesMax + 1) }],
    [
      'a registry in the lock',
      noRegistryHost,
      { 'package-lock.json': ['"resolved": "https', '://mirror.example/x.tgz"'].join('') },
    ],
    ['a reference to a page that is not there', namedHeadings, { [a]: '/** docs/none.md */' }],
    ['a reference to a heading that is not there', namedHeadings, { [a]: '// docs/a.md, "None"', ...docs }],
    ['one over two lines', namedHeadings, { [a]: ' * (docs/a.md,\n * "No Such Thing")', ...docs }],
    ['a registry in a text', noRegistryHost, { 'docs/a.md': ['registry', 'example', 'org'].join('.') }],
  ])('%s', (_name, wall, sources) => {
    expect(wall(wall === namedHeadings ? sources : withoutComments(sources))).toHaveLength(1);
  });

  test('what only looks like a breach is none', () => {
    const sources = withoutComments({
      [a]: "// Date.now() is ambient\n/* setTimeout */ const word = 'Math.random is not called'; const at = new Date(ms);",
      'src/client/c.ts': "import type { Version } from '../domain/object/a.ts';",
    });
    expect([directions, nothingAmbient, noCycles].flatMap((wall) => wall(sources))).toEqual([]);
    expect(namedHeadings({ [a]: '/* docs/a.md,\n * "Type file" and docs/a.md */', ...docs })).toEqual([]);
  });
});

function importsOf(sources: Sources): Import[] {
  const pattern =
    /\b(?:import|export)\s+(?<type>type\b)?(?:[\w*\s{},$]*?\bfrom\s*)?['"](?<static>\.[^'"]+)['"]|\bimport\(\s*['"](?<dynamic>\.[^'"]+)['"]/g;
  return Object.entries(sources).flatMap(([from, text]) =>
    [...text.matchAll(pattern)].map(({ groups }) => ({
      from,
      to: join(dirname(from), groups?.['static'] ?? groups?.['dynamic'] ?? ''),
      typeOnly: groups?.['type'] !== undefined,
    })),
  );
}

/** Without the marks of comments, so that a sentence is one whatever line it is broken at. */
function inOneLine(text: string): string {
  return text.replaceAll(/\n\s*(?:\*(?!\/)|\/\/)?\s*/g, ' ');
}

/** Undefined: there is no such page. With the empty heading: the page itself. */
function headingsOf(page: string | undefined): ReadonlySet<string> | undefined {
  if (page === undefined) return undefined;
  const headings = [...page.matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) => heading.replaceAll(/[`*]/g, '').trim());
  return new Set(['', ...headings]);
}

function roomOf(path: string): string {
  return path.split('/')[1] ?? path;
}

function matches(sources: Sources, pattern: RegExp, below: string): string[] {
  return Object.entries(sources)
    .filter(([path]) => path.startsWith(below))
    .flatMap(([path, text]) => [...text.matchAll(pattern)].map(([found]) => `${path}: ${found}`));
}

const commentOrString = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;

function withoutComments(sources: Sources): Sources {
  return mapTexts(sources, (text) => text.replaceAll(commentOrString, (found) => (found.startsWith('/') ? '' : found)));
}

/** Imports stay: `import { randomUUID } from 'node:crypto'` shows in its names. */
function withoutStrings(sources: Sources): Sources {
  return mapTexts(sources, (text) => text.replaceAll(commentOrString, "''"));
}

function mapTexts(sources: Sources, change: (text: string) => string): Sources {
  return Object.fromEntries(Object.entries(sources).map(([path, text]) => [path, change(text)]));
}

function isSource(path: string): boolean {
  return path.startsWith('src/') && path.endsWith('.ts');
}

function isCode(path: string): boolean {
  return /^(?:src|test|scripts|bench|bin|examples)\/.*\.(?:ts|mjs)$/.test(path);
}

function isText(path: string): boolean {
  return /\.(?:ts|mjs|json|md|yaml|yml|npmrc)$|^\.ci\//.test(path);
}

function read(root: string, wanted: (path: string) => boolean): Sources {
  const apart = new Set(['node_modules', '.git', 'dist', 'coverage', 'results', '.pando-start']);
  const walk = (directory: string): string[] =>
    readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      if (apart.has(entry.name)) return [];
      const path = join(directory, entry.name);
      return entry.isDirectory() ? walk(path) : [relative(root, path)];
    });
  return Object.fromEntries(
    walk(root)
      .filter(wanted)
      .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
  );
}
