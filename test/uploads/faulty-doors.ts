import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Pando } from '../../src/compose.ts';
import type { Configuration, Profile } from '../../src/config/configuration.ts';
import { parseConfiguration } from '../../src/config/load.ts';
import { storePlace } from '../../src/config/place.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { FaultyStorage } from '../../src/testing/faulty-storage.ts';

/** Another way into a store's directory, with an address of its own, where things go wrong. */
class Door extends FaultyStorage {
  readonly #address: string;
  readonly #title: string;

  constructor(inner: Storage, address: string, title: string) {
    super(inner);
    this.#address = address;
    this.#title = title;
  }

  override get place(): string {
    return this.#address;
  }

  override get name(): string {
    return this.#title;
  }
}

/** Pando on real directories. What a protocol's own directory would hold lies in the store's: a protocol is another door to it. */
export class FaultyPando extends Pando {
  readonly #doors = new Map<string, Door>();

  override async openStore(profile: Profile): Promise<Storage> {
    const title = profile.title ?? profile.name;
    const [store = '', protocol] = title.split(' by ');
    const own = this.configuration.profiles[store];
    if (protocol === undefined || own === undefined) return super.openStore(profile);
    const door = this.#doors.get(title) ?? new Door(await super.openStore(own), storePlace(profile.storage), title);
    this.#doors.set(title, door);
    return door;
  }

  async door(store: string, protocol: string): Promise<FaultyStorage> {
    for (const access of this.stores().values()) {
      if (access.name === store) await access.protocols.find(({ name }) => name === protocol)?.open();
    }
    const door = this.#doors.get(`${store} by ${protocol}`);
    if (door === undefined) throw new Error(`${store} has no protocol ${protocol}`);
    return door;
  }
}

/** Directories of one test: stores, and files to upload. */
export class Doors implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pando-uploads-'));

  open(...directories: readonly string[]): void {
    for (const one of directories) mkdirSync(join(this.root, one));
  }

  write(name: string, text: string): string {
    const path = join(this.root, 'files', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  configure(text: string): Configuration {
    const file = join(this.root, 'pando.yaml');
    const surroundings = { environment: {}, directory: this.root, home: this.root };
    return {
      ...parseConfiguration(text, { file, surroundings }),
      catalog: { kind: 'sqlite', path: join(this.root, 'catalog.db') },
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
