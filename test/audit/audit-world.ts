import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Pando } from '../../src/compose.ts';
import { parseConfiguration } from '../../src/config/load.ts';
import type { AuditOptions, StoreAudit } from '../../src/engine/audit/audit-types.ts';
import type { StoreAccess } from '../../src/engine/stores/store-access.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import { PLAIN_RULE } from '../../src/domain/rule/rule.ts';
import type { NewRule } from '../../src/ports/rules.ts';
import { overStorage } from '../../src/storage/over-storage.ts';
import type { Storage } from '../../src/ports/storage.ts';

export const SCOPE = 'inbox';

/** A scope `inbox` without replicas, and stores that rules fill: real directories, the real worker. */
export class AuditWorld implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pando-audit-'));
  readonly stores: readonly string[];
  readonly #text: string;
  readonly #data: string;
  pando: Pando;

  constructor({
    stores = ['a', 'b', 'c'],
    more = '',
    catalog,
  }: { stores?: readonly string[]; more?: string; catalog?: string } = {}) {
    this.stores = stores;
    const profile = (name: string): string => {
      mkdirSync(join(this.root, name), { recursive: true });
      return `  ${name}:\n    storage_provider: { type: file, options: { base_path: ${this.root}/${name} } }\n`;
    };
    this.#text = `profiles:\n${[SCOPE, ...stores].map(profile).join('')}${more}`;
    this.#data = catalog ?? `sqlite:${this.root}/catalog.sqlite`;
    this.pando = this.another();
  }

  /** Another process on the same catalog. */
  another(): Pando {
    const surroundings = { environment: { PANDO_CATALOG: this.#data }, directory: this.root, home: this.root };
    return new Pando(parseConfiguration(this.#text, { file: join(this.root, 'pando.yaml'), surroundings }));
  }

  async reopen(): Promise<void> {
    await this.pando[Symbol.asyncDispose]();
    this.pando = this.another();
  }

  catalog(): Promise<Catalog> {
    return this.pando.catalog();
  }

  access(name: string): StoreAccess {
    const found = [...this.pando.stores().values()].find((one) => one.name === name);
    if (found === undefined) throw new Error(`no store ${name}`);
    return found;
  }

  async write(name: string, text: string): Promise<void> {
    const profile = this.pando.profile(SCOPE);
    if (profile === undefined) throw new Error('no inbox');
    const scope = await this.pando.openScope(profile);
    const objects = await this.pando.objects();
    await objects.write({ scope, name, body: Buffer.from(text) });
  }

  async writeMany(count: number): Promise<string[]> {
    const names = Array.from({ length: count }, (_, at) => `runs/part-${String(at).padStart(3, '0')}`);
    for (const name of names) await this.write(name, `these are the bytes of ${name}`);
    return names;
  }

  async addRule(words: Partial<NewRule> = {}): Promise<number> {
    await this.pando.rulePorts();
    const added = await (await this.catalog()).addRule({
      ...PLAIN_RULE,
      account: 'alice',
      targets: [{ kind: 'pattern', scope: SCOPE, pattern: '*' }],
      copies: 2,
      expression: 'a|b',
      grouping: 'none',
      activity: 'test',
      needsApproval: false,
      ...words,
    });
    if (added.kind !== 'added') throw new Error(`not added: ${JSON.stringify(added)}`);
    return added.id;
  }

  async work(): Promise<void> {
    await this.pando.keepRules({ owner: 'test', until: 'idle', exceptScopes: [SCOPE] });
  }

  async ruleState(id: number): Promise<string | undefined> {
    return (await (await this.catalog()).readRule(id))?.state;
  }

  /** Of a store, possibly with something between it and the audit. */
  async audit(
    store: string,
    options: Partial<AuditOptions> & {
      readonly over?: (storage: Storage) => Partial<Storage>;
      readonly signal?: AbortSignal;
      readonly stepPlaces?: number;
    } = {},
  ): Promise<StoreAudit> {
    const { over, signal, stepPlaces, ...asked } = options;
    const access = this.access(store);
    const [own, ...others] = access.protocols;
    if (own === undefined) throw new Error('no protocol');
    const open = async (): Promise<Storage> => {
      const storage = await own.open();
      return over === undefined ? storage : overStorage(storage, over(storage));
    };
    const { stores } = await this.pando.storeDesk().audit({
      stores: [{ ...access, protocols: [{ ...own, open }, ...others] }],
      options: { withChecksums: false, repair: false, adopt: false, percentMax: 10, anew: false, ...asked },
      listeners: {},
      ...(stepPlaces === undefined ? {} : { stepPlaces }),
      signal: signal ?? new AbortController().signal,
    });
    return stores[0] as StoreAudit;
  }

  /** Where the copy of an object lies at a store. */
  async pathAt(store: string, name: string): Promise<string> {
    const { place } = this.access(store);
    const row = await (await this.catalog()).readObject(SCOPE, name);
    const replica = row?.replicas.find((one) => one.store === place && one.versionId === row.current.id);
    if (replica === undefined) throw new Error(`${name} has no copy at ${store}`);
    return join(this.root, store, replica.place);
  }

  async states(name: string): Promise<Record<string, string>> {
    const names = new Map([...this.pando.stores().values()].map((one) => [one.place, one.name]));
    const row = await (await this.catalog()).readObject(SCOPE, name);
    const current = row?.replicas.filter(({ versionId }) => versionId === row.current.id) ?? [];
    return Object.fromEntries(current.map(({ store, state }) => [names.get(store) ?? store, state]));
  }

  async events(): Promise<string[]> {
    return (await (await this.catalog()).listEvents({ limit: 1000 })).map(({ kind, name }) =>
      `${kind} ${name ?? ''}`.trim(),
    );
  }

  /** Flips a byte and puts the time back, as a disk that fails does. */
  damage(path: string): void {
    const { atime, mtime } = statSync(path);
    const bytes = readFileSync(path);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    utimesSync(path, atime, mtime);
  }

  add(path: string, text: string): string {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Files of a store, without Pando's own; with `dark` those that were set aside. */
  list(store: string, dark = false): string[] {
    const root = dark ? join(this.root, store, '.pando/dark') : join(this.root, store);
    if (!existsSync(root)) return [];
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .filter((name) => !name.startsWith('.pando/'))
      .map((name) => (dark ? name.slice(name.indexOf('/') + 1) : name))
      .toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pando[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Until the file systems' clock is past what was just written: its tokens are trusted then. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 120));
}

/** Objects at two stores, copied there by a rule. */
export async function openCopied(count = 20): Promise<{ world: AuditWorld; names: string[]; rule: number }> {
  const world = new AuditWorld();
  const names = await world.writeMany(count);
  const rule = await world.addRule();
  await settle();
  await world.work();
  const state = await world.ruleState(rule);
  if (state !== 'OK') throw new Error(`the rule is ${state}`);
  await settle();
  return { world, names, rule };
}
