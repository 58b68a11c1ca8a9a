import type { RuleWorkPorts } from '../../src/engine/rules/keep-rules.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { Gate } from '../transfer-tools/gate.ts';
import type { RuleWorld } from './rule-world.ts';

/** Ports whose transfers stand still somewhere. */
export interface HeldPorts {
  readonly ports: RuleWorkPorts;
  /** One of them stands there. */
  reached(): Promise<void>;
  open(): void;
}

/** Where they read this store. */
export async function heldAt(world: RuleWorld, store: string, pando = world.pando): Promise<HeldPorts> {
  const gate = new Gate();
  gate.shut();
  const place = placeOf(world, store);
  const over = (storage: Storage): Storage => (storage.place === place ? gate.before(storage) : storage);
  return { ports: await world.ports(over, pando), reached: () => gate.reached, open: () => gate.open() };
}

/**
 * Where they ask the catalog whether they may begin, or where their bytes lie at the destination, and nobody knows. `settled`: what
 * the catalog answered from then on.
 */
export async function heldBefore(
  world: RuleWorld,
  verb: 'chooseSources' | 'settleTransfers',
): Promise<HeldPorts & { readonly settled: (readonly boolean[])[] }> {
  const ports = await world.ports();
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const settled: (readonly boolean[])[] = [];
  const catalog = overCatalog(ports, {
    [verb]: async (asked: never) => {
      reached.resolve();
      await opened.promise;
      const answer = await ports.catalog[verb](asked);
      settled.push(answer);
      return answer;
    },
  });
  return { ports: { ...ports, catalog }, settled, reached: () => reached.promise, open: () => opened.resolve() };
}

export function overCatalog(
  ports: RuleWorkPorts,
  changed: Partial<RuleWorkPorts['catalog']>,
): RuleWorkPorts['catalog'] {
  return new Proxy(ports.catalog, {
    get: (target, name) => {
      const value: unknown = Reflect.get(name in changed ? changed : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

export function placeOf(world: RuleWorld, store: string): string {
  const found = [...world.pando.stores().values()].find(({ name }) => name === store);
  if (found === undefined) throw new Error(`there is no store ${store}`);
  return found.place;
}
