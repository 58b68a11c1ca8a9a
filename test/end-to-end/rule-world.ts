import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { explain, type Explanation } from '../../src/client/explain.ts';
import type { RuleTerms } from '../../src/client/rule-order.ts';
import { Rules } from '../../src/client/rules.ts';
import { Pando } from '../../src/compose.ts';
import { loadConfiguration } from '../../src/config/load.ts';

/** Real directories with a configuration over them, and rules by whom a test wants; all in this process. */
export class RuleWorld implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pando-rules-'));
  readonly actor = { account: 'jdoe', isAdministrator: true };
  pando: Pando;

  /** `stores`: by name, what is said of each besides its place. `top`: lines of the configuration's first level. */
  constructor(stores: Readonly<Record<string, string>>, top = '') {
    this.pando = this.#open(stores, top);
  }

  /** As another machine with another configuration would, on the same catalog. */
  async reopen(stores: Readonly<Record<string, string>>, top = ''): Promise<void> {
    await this.pando[Symbol.asyncDispose]();
    this.pando = this.#open(stores, top);
  }

  #open(stores: Readonly<Record<string, string>>, top: string): Pando {
    const profiles = Object.entries(stores).map(([name, said]) => {
      mkdirSync(join(this.root, name), { recursive: true });
      return `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n    ${said}\n`;
    });
    const config = join(this.root, 'pando.yaml');
    writeFileSync(config, `${top}profiles:\n${profiles.join('')}`);
    return new Pando(loadConfiguration({ config, data: join(this.root, 'catalog') }));
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
