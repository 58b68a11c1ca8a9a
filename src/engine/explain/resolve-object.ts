import type { ObjectName } from '../../domain/object/object-name.ts';
import { isGoodCopy } from '../../domain/replica/good-copy.ts';
import { domainBetween, urlOf } from '../../domain/store/protocol.ts';
import type { Verification } from '../../domain/store/verification.ts';
import { asRead } from '../downloads/as-read.ts';
import { type StoreAccess, waysTo } from '../stores/store-access.ts';
import { type ExplainPorts, seeStores } from './explain-ports.ts';

/** A good copy of an object, and every way to its bytes from here. */
export interface ResolvedReplica {
  readonly store: string;
  readonly site: string | undefined;
  readonly isNear: boolean;
  /** From the stores of this site; undefined: nobody said. */
  readonly distance: number | undefined;
  readonly verification: Verification;
  /** Best first. Never with a secret: whoever opens one needs credentials of their own. */
  readonly urls: readonly { readonly protocol: string; readonly url: string }[];
}

export interface ResolvedObject extends ObjectName {
  readonly isDeleted: boolean;
  /** Operation id of the version that is told. */
  readonly version: string;
  /** That of the object's version, where it is another one, of which no store has ever had the bytes. */
  readonly newer: string | undefined;
  /** Best first. */
  readonly replicas: readonly ResolvedReplica[];
  /** Copies that are not told, and why not. */
  readonly passedOver: readonly { readonly store: string; readonly why: string }[];
}

/** Where an object can be had, best first: near before far, disk before tape. Undefined: nobody has ever heard of it. */
export async function resolveObject(ports: ExplainPorts, name: ObjectName): Promise<ResolvedObject | undefined> {
  const record = await ports.catalog.readObject(name.scope, name.name);
  if (record === undefined) return undefined;
  const row = asRead(record);
  const { stores, nameOf } = await seeStores(ports);
  const found: { readonly store: StoreAccess; readonly told: ResolvedReplica }[] = [];
  const passedOver: { store: string; why: string }[] = [];
  for (const { store: place, versionId, state, verification, soft, place: key } of row.replicas) {
    const store = stores.get(place);
    const isCurrent = versionId === row.current.id;
    if (!isCurrent && versionId === record.current.id) continue;
    const isSoft = soft === true;
    const copy = { state, verification, isSoft, isCurrent, isInMemory: false, sharesBytes: false, isCache: false };
    const ways = store === undefined ? [] : waysTo(store, 'read', { clientSite: ports.clientSite, fraction: 0 });
    if (store === undefined || ways.length === 0 || !isGoodCopy(copy)) {
      const reason = isGoodCopy(copy) ? 'it may not be read' : whyNotGood(copy);
      passedOver.push({ store: nameOf(place), why: store === undefined ? 'no profile here names it' : reason });
      continue;
    }
    found.push({
      store,
      told: {
        store: store.name,
        site: store.traits.site,
        isNear: domainBetween(ports.clientSite, store.traits.site) === 'lan',
        distance: distanceTo(ports, store),
        verification,
        urls: ways.map((way) => ({ protocol: way.name, url: urlOf(way.place, key) })),
      },
    });
  }
  const isDeleted = row.current.content.kind === 'tombstone';
  return {
    ...name,
    isDeleted,
    version: row.current.operation,
    newer: record.earlier === undefined ? undefined : record.current.operation,
    replicas: isDeleted ? [] : found.sort(bestFirst).map(({ told }) => told),
    passedOver,
  };
}

function whyNotGood({ state, isCurrent, isSoft, verification }: Parameters<typeof isGoodCopy>[0]): string {
  if (!isCurrent) return 'it has an older version';
  if (state !== 'AVAILABLE') return `it is ${state}`;
  if (isSoft) return 'it is not durable yet';
  return verification === 'none' ? 'it was never read' : 'it does not count';
}

/** The shortest link to it from a store of this site. */
function distanceTo({ stores, clientSite, topology }: ExplainPorts, { name, traits }: StoreAccess): number | undefined {
  if (clientSite === undefined) return undefined;
  if (traits.site === clientSite) return 0;
  const here = new Set([...stores.values()].filter((one) => one.traits.site === clientSite).map((one) => one.name));
  const distances = topology.links
    .filter(({ from, to }) => from === name && here.has(to))
    .map(({ distance }) => distance);
  return distances.length === 0 ? undefined : Math.min(...distances);
}

type Found = { readonly store: StoreAccess; readonly told: ResolvedReplica };

function bestFirst(a: Found, b: Found): number {
  return (
    Number(b.told.isNear) - Number(a.told.isNear) ||
    (a.told.distance ?? Number.MAX_SAFE_INTEGER) - (b.told.distance ?? Number.MAX_SAFE_INTEGER) ||
    Number(a.store.traits.kind === 'tape') - Number(b.store.traits.kind === 'tape') ||
    (a.told.store < b.told.store ? -1 : 1)
  );
}
