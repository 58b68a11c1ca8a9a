import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explain, type Explanation } from '../../src/client/explain.ts';
import type { RuleTerms } from '../../src/client/rule-order.ts';
import { Rules } from '../../src/client/rules.ts';
import { Pando } from '../../src/compose.ts';
import { loadConfiguration } from '../../src/config/load.ts';
import { keepRules, type RuleWorkPorts } from '../../src/engine/rules/keep-rules.ts';
import { describeTopology } from '../../src/engine/stores/topology.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { openLocal } from '../transfer-tools/open-local.ts';

/** Real directories with a configuration over them, and rules by whom a test wants; all in this process. */
export class RuleWorld implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pando-rules-'));
  readonly actor = { account: 'jdoe', isAdministrator: true };
  readonly #catalog: string;
  pando: Pando;

  /**
   * `stores`: by name, what is said of each besides its place. `top`: lines of the configuration's first level. `catalog`: its URL;
   * by default an embedded one.
   */
  constructor(stores: Readonly<Record<string, string>>, top = '', catalog?: string) {
    this.#catalog = catalog ?? `sqlite:${join(this.root, 'catalog.sqlite')}`;
    this.pando = this.#open(stores, top);
  }

  /** Another process on the same catalog, with the configuration that holds now. The test closes it. */
  another(): Pando {
    const surroundings = { environment: { PANDO_CATALOG: this.#catalog }, directory: this.root, home: this.root };
    return new Pando(loadConfiguration({ config: this.#config, surroundings }));
  }

  /** As another machine with another configuration would, on the same catalog. */
  async reopen(stores: Readonly<Record<string, string>>, top = ''): Promise<void> {
    await this.pando[Symbol.asyncDispose]();
    this.pando = this.#open(stores, top);
  }

  #open(stores: Readonly<Record<string, string>>, top: string): Pando {
    const profiles = Object.entries(stores).map(([name, said]) => {
      mkdirSync(join(this.root, name), { recursive: true });
      return `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n${said.replace(/^/gm, '    ')}\n`;
    });
    writeFileSync(this.#config, `${top}profiles:\n${profiles.join('')}`);
    return this.another();
  }

  get #config(): string {
    return join(this.root, 'pando.yaml');
  }

  /** Writes an object through its profile. */
  async put(scope: string, name: string, body: string): Promise<void> {
    const objects = await this.pando.objects();
    const profile = this.pando.profile(scope);
    if (profile === undefined) throw new Error(`there is no profile ${scope}`);
    await objects.write({ scope: await this.pando.openScope(profile), name, body: Buffer.from(body) });
  }

  async rules(): Promise<Rules> {
    const { configuration, clock } = this.pando;
    const catalog = await this.pando.catalog();
    return new Rules({ catalog, configuration, actor: this.actor, scope: undefined, nowMs: () => clock.nowMs() });
  }

  async rule(target: string, terms: RuleTerms): Promise<number> {
    return (await (await this.rules()).add([target], terms)).id;
  }

  /** What `pando worker --until-idle` does about rules. */
  async work(): Promise<void> {
    await this.pando.keepRules({
      owner: 'test',
      until: 'idle',
      exceptScopes: Object.keys(this.pando.configuration.profiles),
    });
  }

  /** What rules are carried out with, in this thread: quicker for a few objects, and `over` may stand between the tool and a store. */
  async ports(over: (storage: Storage) => Storage = (storage) => storage, pando = this.pando): Promise<RuleWorkPorts> {
    const ports = await pando.uploadPorts();
    const own = [...ports.stores.values()].flatMap(({ protocols }) => protocols.slice(0, 1));
    const opened = await Promise.all(own.map(async (protocol) => over(await protocol.open())));
    const tool = openLocal(opened, { readBack: true });
    return { ...ports, tools: [tool], topology: describeTopology(ports.stores) };
  }

  /** `work`, in this thread. */
  async workHere(ports?: RuleWorkPorts): Promise<void> {
    const exceptScopes = Object.keys(this.pando.configuration.profiles);
    await keepRules(ports ?? (await this.ports()), { owner: 'test', until: 'idle', exceptScopes });
  }

  explain(what: string): Promise<Explanation> {
    return explain(this.pando, what, undefined);
  }

  /** Names of the files at a store, without Pando's own. */
  filesAt(store: string): readonly string[] {
    return readdirSync(join(this.root, store), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('/.pando'))
      .map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pando[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }
}
