import { join } from 'node:path';
import { parseConfiguration } from '../src/config/load.ts';
import { currentSurroundings } from '../src/config/surroundings.ts';
import { describeStores } from '../src/describe-stores.ts';
import type { TransferLimits } from '../src/domain/transfer/transfer-limits.ts';
import { type Stores, placeIn } from '../src/engine/stores/store-access.ts';
import type { Change, ClaimedRequest } from '../src/ports/catalog.ts';
import type { TransferOutcome } from '../src/ports/rules.ts';

export const SCOPE = 'bench';

/** Three stores that are only told of, and objects that are at one of them: nothing is copied. */
export class RulesWorld {
  readonly stores: Stores;
  readonly source: string;
  /** That hold nothing back. */
  readonly limits: TransferLimits;

  constructor(directory: string) {
    const configuration = parseConfiguration(configure(), {
      file: join(directory, 'pando.yaml'),
      surroundings: currentSurroundings(),
    });
    this.stores = describeStores(configuration, () => {
      throw new Error('a store was opened');
    });
    this.source = this.#placeOf('source');
    this.limits = {
      stores: ['one', 'two'].map((name) => ({
        store: this.#placeOf(name),
        name,
        incomingMax: 100_000,
        outgoingMax: undefined,
      })),
      pairs: [],
      shares: [
        { activity: 'bench', weight: 70 },
        { activity: 'default', weight: 30 },
      ],
    };
  }

  change(at: number): Change {
    const name = nameOf(at);
    const token = `${(at * 131).toString(16)}-${(4096 + at).toString(16)}-18f2c9ab${at.toString(16).padStart(8, '0')}`;
    return {
      scope: SCOPE,
      name,
      follows: undefined,
      operation: `01920000-0000-7000-8000-${at.toString(16).padStart(12, '0')}`,
      content: {
        kind: 'object',
        size: 4096 + (at % 1000),
        sha256: at.toString(16).padStart(64, 'a7c3'),
        modifiedNs: 1_700_000_000_000_000_000n + BigInt(at),
        mode: 0o644,
      },
      replicas: [{ store: this.source, token, state: 'AVAILABLE', place: name, verification: 'written' }],
    };
  }

  /** What a worker tells of a copy that came. */
  arrival(request: ClaimedRequest): TransferOutcome {
    const token = `${request.versionId.toString(16)}-${(4096 + request.versionId).toString(16)}-18f2c9ab00000000`;
    return {
      lease: request.lease,
      request: { state: 'DONE' },
      attempt: { source: this.source, protocol: 'file', outcome: 'arrived', failure: undefined, error: undefined },
      replica: { state: 'AVAILABLE', place: this.#placeFor(request), token, verification: 'written' },
      soft: false,
      stuck: undefined,
      doubtedSources: [],
      bytes: 4096,
      busyMs: 10,
    };
  }

  #placeFor({ store, scope, name }: ClaimedRequest): string {
    const access = this.stores.get(store);
    const path = access === undefined ? undefined : placeIn(access, { scope, name }, undefined);
    if (path === undefined || !('path' in path)) throw new Error(`no path for ${scope}:${name} at ${store}`);
    return path.path;
  }

  #placeOf(name: string): string {
    const found = [...this.stores.values()].find((one) => one.name === name);
    if (found === undefined) throw new Error(`no store ${name}`);
    return found.place;
  }
}

export function nameOf(at: number): string {
  return `runs/${String(Math.floor(at / 1000)).padStart(6, '0')}/part-${String(at % 1000).padStart(5, '0')}.parquet`;
}

function configure(): string {
  const profiles = ['source', 'one', 'two'].map(
    (name) => `
  ${name}:
    paths: { algorithm: ${name === 'source' ? 'plain' : 'hash'} }
    storage_provider: { type: file, options: { base_path: ./${name} } }`,
  );
  return `profiles:${profiles.join('')}\n`;
}
