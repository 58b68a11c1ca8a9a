import type { ReplicaState } from '../../domain/replica/replica.ts';
import type { AuditFinding, AuditLease } from '../../ports/audits.ts';
import type { NewEvent, ReplicaChange } from '../../ports/catalog.ts';
import { StorageError } from '../../ports/storage.ts';
import { AuditTakenOver } from './audit-taken-over.ts';
import type { AuditTally } from './audit-tally.ts';
import type { AuditedStore, AuditPorts } from './audit-types.ts';
import { inParts } from './confirm-findings.ts';
import { pagesOfFindings } from './findings.ts';
import { isNewVersion } from './unknown-files.ts';

export interface DoubtFindings extends AuditedStore {
  readonly lease: AuditLease;
  readonly tally: AuditTally;
  readonly signal: AbortSignal;
}

/** Copies that are served, or would be soon. */
const TRUSTED: ReadonlySet<ReplicaState> = new Set(['AVAILABLE', 'UNVERIFIED', 'TEMPORARY_UNAVAILABLE']);

/**
 * Where too much differs to act on it: what was read and found wrong is in doubt all the same, for nothing may rest on it, least of all
 * the delete of another copy (I7). It keeps the token that was recorded, so nothing is written over the bytes of others, and the next
 * read that finds the right ones makes it good again.
 */
export async function doubtFindings(
  ports: AuditPorts,
  { access, storage, lease, tally, signal }: DoubtFindings,
): Promise<void> {
  tally.phase = 'repairing';
  for await (const page of pagesOfFindings(ports.catalog, access.place)) {
    if (signal.aborted) throw new StorageError('aborted', { store: storage.name }, 'the audit was stopped');
    const wrong = page.filter((one) => (one.kind === 'corrupt' || one.kind === 'stale') && !isNewVersion(access, one));
    const replicas = (await inParts(wrong, (finding) => doubt(ports, access.place, finding))).filter(
      (change) => change !== undefined,
    );
    if (replicas.length === 0) continue;
    const events = replicas.map(
      ({ scope, name, store }): NewEvent => ({
        kind: 'replica-found-doubtful',
        scope,
        name,
        store,
        detail: 'found by audit: it was read and holds other bytes, as too many others there to act on it',
      }),
    );
    tally.repairs.doubted += replicas.length;
    if (!(await ports.catalog.saveAudit(lease, { counts: tally.keep(), replicas, events }))) throw new AuditTakenOver();
    tally.report();
  }
}

async function doubt(
  { catalog }: Pick<AuditPorts, 'catalog'>,
  store: string,
  { object, recordedToken }: AuditFinding,
): Promise<ReplicaChange | undefined> {
  if (object === undefined || recordedToken === undefined) return undefined;
  const { scope, name, versionId } = object;
  const replica = (await catalog.readObject(scope, name))?.replicas.find(
    (one) => one.store === store && one.versionId === versionId && one.token === recordedToken,
  );
  if (replica === undefined || !TRUSTED.has(replica.state)) return undefined;
  const { place } = replica;
  const to = { state: 'SUSPICIOUS', place, token: recordedToken, verification: 'none' } as const;
  return { scope, name, versionId, store, to, ifToken: recordedToken };
}
