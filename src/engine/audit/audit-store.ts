import { findTooDifferent } from '../../domain/audit/difference-limit.ts';
import type { AuditLease } from '../../ports/audits.ts';
import { StorageError } from '../../ports/storage.ts';
import { openOwn } from '../stores/open-own.ts';
import type { StoreAccess } from '../stores/store-access.ts';
import { AuditTakenOver } from './audit-taken-over.ts';
import { AuditTally, AWAY } from './audit-tally.ts';
import type { AuditListeners, AuditOptions, AuditPorts, StoreAudit } from './audit-types.ts';
import { compareListing } from './compare-listing.ts';
import { confirmFindings } from './confirm-findings.ts';
import { doubtFindings } from './doubt-findings.ts';
import { OtherStores } from './other-stores.ts';
import { type LostObjects, repairFindings } from './repair-findings.ts';

export interface AuditStore {
  readonly access: StoreAccess;
  readonly options: AuditOptions;
  readonly listeners: AuditListeners;
  readonly stepPlaces?: number;
  readonly signal: AbortSignal;
}

type Ended = Pick<StoreAudit, 'state' | 'why'>;

/**
 * Audits one store (docs/audit.md): compared page by page, confirmed, then acted on. What cannot go on is kept for the next audit of the
 * store, which goes on there. Fails with `CatalogError` only.
 */
export async function auditStore(ports: AuditPorts, args: AuditStore): Promise<StoreAudit> {
  const { access, listeners, signal } = args;
  const startedMs = ports.clock.monotonicMs();
  const tally = new AuditTally(access.name, listeners);
  const lost: LostObjects = { count: 0, names: [] };
  let resumed = false;
  let lease: AuditLease | undefined;
  let ended: Ended;
  try {
    if (access.mirrors !== undefined) {
      ended = { state: 'mirror', why: `it mirrors ${[...access.mirrors].join(', ')}: pando verify reads it` };
    } else {
      const { withChecksums, anew } = args.options;
      const begun = await ports.catalog.beginAudit({ store: access.place, withChecksums, anew });
      // One that never got to look at anything is not gone on with.
      resumed = begun.resumes?.position !== undefined || begun.resumes?.isListed === true;
      tally.resume(begun.resumes?.counts ?? {});
      lease = begun.lease;
      ended = await run(ports, args, { ...begun, tally, lost });
    }
  } catch (error) {
    ended = endOf(error, signal);
    if (ended.state === 'unreachable' && lease !== undefined)
      await ports.catalog.saveAudit(lease, { counts: { ...tally.keep(), [AWAY]: 1 } });
  }
  ports.telling.info?.('a store was audited', { store: access.name, state: ended.state, why: ended.why });
  const { known, listed, ok, inFlight, bytesRead, found, repairs, leftTo, findings } = tally;
  return {
    store: access.name,
    place: access.place,
    ...ended,
    resumed,
    counts: {
      known,
      listed,
      ok,
      inFlight,
      bytesRead,
      ...found,
      ...(ended.state === 'unreachable' ? { unreachable: known } : {}),
    },
    repairs,
    leftTo,
    lostObjects: lost,
    findings,
    seconds: (ports.clock.monotonicMs() - startedMs) / 1000,
  };
}

function endOf(error: unknown, signal: AbortSignal): Ended {
  if (error instanceof AuditTakenOver) return { state: 'taken-over', why: error.message };
  if (!(error instanceof StorageError)) throw error;
  if (signal.aborted) return { state: 'interrupted', why: undefined };
  return { state: 'unreachable', why: error.message };
}

async function run(
  ports: AuditPorts,
  { access, options, signal, stepPlaces }: AuditStore,
  begun: Awaited<ReturnType<AuditPorts['catalog']['beginAudit']>> & {
    readonly tally: AuditTally;
    readonly lost: LostObjects;
  },
): Promise<Ended> {
  const { lease, resumes, tally } = begun;
  const storage = await openOwn(access);
  await using scratch = ports.openScratch();
  await using pool = await ports.openPool(storage);
  const stopPool = (): void => pool.stop();
  signal.addEventListener('abort', stopPool, { once: true });
  try {
    const others = await OtherStores.find(ports, access);
    const audited = {
      access,
      others,
      storage,
      lease,
      scratch,
      pool,
      tally,
      signal,
      ...(stepPlaces === undefined ? {} : { stepPlaces }),
    };
    if (resumes?.isListed !== true)
      await compareListing(ports, { ...audited, resumes, withChecksums: options.withChecksums });
    await confirmFindings(ports, audited);
    const { known, listed, found } = tally;
    const tooDifferent = findTooDifferent({ known, listed, ...found }, options.percentMax);
    if (tooDifferent !== undefined) {
      await doubtFindings(ports, audited);
      return await end(ports, lease, tally, { state: 'too-different', why: tooDifferent });
    }
    Object.assign(begun.lost, await repairFindings(ports, { ...audited, options }));
    const wrong = Object.values(found).reduce((sum, count) => sum + count, 0) - found.new;
    return await end(ports, lease, tally, { state: wrong === 0 ? 'clean' : 'differs', why: undefined });
  } finally {
    signal.removeEventListener('abort', stopPool);
  }
}

async function end(ports: AuditPorts, lease: AuditLease, tally: AuditTally, ended: Ended): Promise<Ended> {
  if (!(await ports.catalog.saveAudit(lease, { counts: tally.keep(), state: 'ended' }))) throw new AuditTakenOver();
  return ended;
}
