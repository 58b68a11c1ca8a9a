import type { StorageClient } from '../client/storage-client.ts';
import { resolveTarget, type Target } from '../config/resolve-target.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import type { Invocation } from './invocation.ts';

/** An object as the user wrote it: the client of its profile, and its name there. */
export interface NamedObject {
  readonly client: StorageClient;
  readonly target: Target;
  readonly name: string;
}

/** Clients of one command, one a profile, all on one catalog. */
export class ObjectClients implements AsyncDisposable {
  readonly #cli: Invocation;
  readonly #clients = new Map<string, Promise<StorageClient>>();

  constructor(cli: Invocation) {
    this.#cli = cli;
  }

  async find(written: string, { allowEmpty = false }: { readonly allowEmpty?: boolean } = {}): Promise<NamedObject> {
    const target = await this.#resolve(written, 'object');
    if (target.path === '' && !allowEmpty) throw noName(written);
    return { client: await this.of(target), target, name: target.path };
  }

  /** A tree: a profile, a directory, a part of either. */
  async findTree(written: string): Promise<NamedObject> {
    const target = await this.#resolve(written, 'tree');
    return { client: await this.of(target), target, name: target.path };
  }

  async #resolve(written: string, as: 'object' | 'tree'): Promise<Target> {
    const configuration = await this.#cli.configuration();
    const target = resolveTarget(written, configuration, { as });
    this.#cli.names.note(written, target, configuration);
    return target;
  }

  async of({ profile }: Target): Promise<StorageClient> {
    let client = this.#clients.get(profile.name);
    if (client === undefined) {
      client = this.#open(profile);
      this.#clients.set(profile.name, client);
    }
    return await client;
  }

  async #open(profile: Target['profile']): Promise<StorageClient> {
    const { StorageClient: Client } = await import('../client/storage-client.ts');
    const { shareSession } = await import('../client/open-session.ts');
    const pando = await this.#cli.pando();
    return new Client({ profile: profile.name, open: () => shareSession(pando, profile) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) await (await client).close();
  }
}

function noName(written: string): ConfigurationError {
  const message = `${JSON.stringify(written)} names a place, and an object in it is wanted`;
  return new ConfigurationError([
    problemOutsideFiles('object', message, 'write the whole name, such as profile:dir/file'),
  ]);
}
