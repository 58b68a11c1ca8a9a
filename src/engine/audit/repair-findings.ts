import { escapeKey } from '../../domain/object/key.ts';
import { formatObjectName, type ObjectName } from '../../domain/object/object-name.ts';
import type { AuditFinding, AuditLease, FindingKey } from '../../ports/audits.ts';
import type { NewEvent, ReplicaChange } from '../../ports/catalog.ts';
import type { CopyPool } from '../../ports/copy-pool.ts';
import { StorageError } from '../../ports/storage.ts';
import { OperationIds } from '../operation-ids.ts';
import { adoptDark, type DarkAdoption, isKnownPlace } from './adopt-dark.ts';
import { AuditTakenOver } from './audit-taken-over.ts';
import type { AuditTally } from './audit-tally.ts';
import { type AuditedStore, type AuditOptions, type AuditPorts, NAMES_KEPT } from './audit-types.ts';
import { inParts, isGone } from './confirm-findings.ts';
import { pagesOfFindings } from './findings.ts';
import { isObjectLost } from './lost-objects.ts';
import { OtherStores } from './other-stores.ts';
import { registerNew } from './register-new.ts';
import { darkDirectory, setAside } from './set-aside.ts';
import { isNewVersion } from './unknown-files.ts';

export interface RepairFindings extends AuditedStore {
  readonly lease: AuditLease;
  readonly options: AuditOptions;
  readonly pool: CopyPool;
  readonly tally: AuditTally;
  readonly signal: AbortSignal;
}

export interface LostObjects {
  count: number;
  readonly names: string[];
}

/**
 * Does what was asked for about findings that were confirmed (docs/audit.md, "Repair"). What was read and found wrong is recorded in
 * any case: nothing may rest on it. What is only concluded from a listing is acted on if that was asked for. Each act is conditional on
 * what it was decided on, so whatever changes meanwhile stays as it is.
 */
export async function repairFindings(ports: AuditPorts, args: RepairFindings): Promise<LostObjects> {
  const { access, storage, signal, tally } = args;
  const repair = new Repair(ports, args);
  const lost: LostObjects = { count: 0, names: [] };
  tally.phase = 'repairing';
  for await (const page of pagesOfFindings(ports.catalog, access.place)) {
    if (signal.aborted) throw new StorageError('aborted', { store: storage.name }, 'the audit was stopped');
    await repair.act(page, lost);
    tally.report();
  }
  return lost;
}

/** Locks of one object that are looked at. */
const LOCKS_MAX = 1_000;

class Repair {
  readonly #ports: AuditPorts;
  readonly #a: RepairFindings;
  readonly #operations: OperationIds;
  readonly #directory: string;

  constructor(ports: AuditPorts, args: RepairFindings) {
    this.#ports = ports;
    this.#a = args;
    this.#operations = new OperationIds(ports.clock, ports.random);
    this.#directory = darkDirectory(ports.clock.nowMs());
  }

  async act(page: readonly AuditFinding[], lost: LostObjects): Promise<void> {
    const { lease, tally, options } = this.#a;
    const replicas: ReplicaChange[] = [];
    const events: NewEvent[] = [];
    const settled: FindingKey[] = [];
    const concerned: ObjectName[] = [];
    const wrong: ObjectName[] = [];
    const take = (finding: AuditFinding, to: ReplicaChange['to'], kind: string): void => {
      const { object, recordedToken, detail } = finding;
      if (object === undefined || recordedToken === undefined) return;
      const { scope, name, versionId } = object;
      const store = this.#a.access.place;
      replicas.push({ scope, name, versionId, store, to, ifToken: recordedToken });
      events.push({ kind, scope, name, store, detail: `found by audit: ${detail}` });
      concerned.push({ scope, name });
    };
    for (const finding of page) {
      const { kind, key, token } = finding;
      if ((kind !== 'corrupt' && kind !== 'stale') || isNewVersion(this.#a.access, finding)) continue;
      const event = kind === 'corrupt' ? 'replica-found-corrupt' : 'replica-found-changed';
      // With the token of what lies there: whoever heals the copy replaces exactly that.
      take(finding, { state: 'BAD', place: key, token, verification: 'none' }, event);
      tally.repairs.declaredBad++;
      if (finding.object !== undefined) wrong.push(finding.object);
    }
    let missing = page.filter(({ kind, recordedToken }) => kind === 'lost' && recordedToken !== undefined);
    if (options.repair) {
      const answers = await inParts(missing, ({ key }) => isGone(this.#ports, this.#a, key));
      for (const [at, finding] of missing.entries()) {
        if (answers[at] !== true) continue;
        take(finding, 'drop', 'replica-found-missing');
        settled.push(finding);
        tally.repairs.forgotten++;
      }
      missing = missing.filter((_, at) => answers[at] === true);
    }
    const isSaved = await this.#ports.catalog.saveAudit(lease, { counts: tally.keep(), replicas, events, settled });
    if (!isSaved) throw new AuditTakenOver();
    tally.repairs.unclaimed += (await this.#findUnclaimed(wrong)).length;
    const uncopied = await this.#findUnclaimed(missing.flatMap(({ object }) => object ?? []));
    tally.repairs.uncopied += uncopied.length;
    tally.repairs.goneFromSource += uncopied.filter(({ scope }) => this.#a.access.sourceOf.includes(scope)).length;
    await this.#tellLost(concerned, lost);
    if (options.repair || options.adopt) await this.#actOnDark(page.filter(({ kind }) => kind === 'dark'));
    if (options.repair) await this.#makeKnown(page);
  }

  /** Those of which no rule brings a copy to the store anew. */
  async #findUnclaimed(objects: readonly ObjectName[]): Promise<readonly ObjectName[]> {
    const store = this.#a.access.place;
    const isClaimed = await inParts(objects, async ({ scope, name }) => {
      const locks = await this.#ports.catalog.listLocks({ name: { scope, name }, limit: LOCKS_MAX });
      return locks.some((lock) => lock.store === store);
    });
    return objects.filter((_, at) => isClaimed[at] !== true);
  }

  /** Objects that have no good copy left: loudly, since nothing here can bring them back. */
  async #tellLost(objects: readonly ObjectName[], lost: LostObjects): Promise<void> {
    const events: NewEvent[] = [];
    for (const object of objects) {
      if (!(await isObjectLost(this.#ports.catalog, object))) continue;
      lost.count++;
      if (lost.names.length < NAMES_KEPT) lost.names.push(formatObjectName(object));
      const detail = `no copy of ${formatObjectName(object)} is left that could be good`;
      events.push({ kind: 'object-lost', ...object, detail });
    }
    if (events.length > 0) await this.#ports.catalog.recordEvents(events);
  }

  async #actOnDark(dark: readonly AuditFinding[]): Promise<void> {
    if (dark.length === 0) return;
    const { options, lease, tally, signal } = this.#a;
    const adoptions: readonly DarkAdoption[] = options.adopt
      ? await adoptDark(this.#ports, this.#a, dark)
      : dark.map(() => ({ kind: 'no' }));
    const settled: FindingKey[] = [];
    for (const [at, finding] of dark.entries()) {
      const adoption = adoptions[at] as DarkAdoption;
      if (adoption.kind === 'adopted') {
        tally.repairs.adopted++;
        settled.push(finding);
      } else if (adoption.kind === 'failed') await this.#tellLeft(finding, adoption.why);
      else if (options.repair && !signal.aborted && (await this.#setAside(finding))) settled.push(finding);
    }
    if (!(await this.#ports.catalog.saveAudit(lease, { counts: tally.keep(), settled }))) throw new AuditTakenOver();
  }

  async #makeKnown(page: readonly AuditFinding[]): Promise<void> {
    const { lease, tally, access } = this.#a;
    const found = page.filter((finding) => finding.kind === 'new' || isNewVersion(access, finding));
    if (found.length === 0) return;
    const outcomes = await registerNew(this.#ports, { ...this.#a, operations: this.#operations }, found);
    const settled: FindingKey[] = [];
    for (const [at, finding] of found.entries()) {
      const why = outcomes[at];
      if (why !== undefined) await this.#tellLeft(finding, why);
      else {
        tally.repairs.registered++;
        settled.push(finding);
      }
    }
    if (!(await this.#ports.catalog.saveAudit(lease, { counts: tally.keep(), settled }))) throw new AuditTakenOver();
  }

  async #setAside(finding: AuditFinding): Promise<boolean> {
    const { access, storage, signal, tally } = this.#a;
    const { availability } = access.traits;
    if (!availability.write || !availability.delete) {
      await this.#tellLeft(finding, 'the store takes no writes, or deletes nothing, for now');
      return false;
    }
    const other = await this.#findOther(finding.key);
    if (other !== undefined) {
      await this.#tellLeft(finding, `it may be a file of ${other}`);
      return false;
    }
    try {
      const done = await setAside(storage, {
        key: finding.key,
        token: finding.token ?? '',
        directory: this.#directory,
        operation: this.#operations.next(),
        isStillDark: async () =>
          !(await isKnownPlace(this.#ports, access, finding.key)) && (await this.#findOther(finding.key)) === undefined,
        signal,
      });
      if (done === 'set-aside') {
        tally.repairs.setAside++;
        await this.#tell('dark-file-set-aside', finding.key, `moved to ${this.#directory}`);
      }
      return true;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      await this.#tellLeft(finding, error.message);
      return false;
    }
  }

  /** As it is now: what the audit saw may be hours old. */
  async #findOther(key: string): Promise<string | undefined> {
    const others = await OtherStores.find(this.#ports, this.#a.access);
    return (await others.findOwners([key])).get(key) ?? others.sourceAround();
  }

  async #tellLeft({ key, kind }: AuditFinding, why: string): Promise<void> {
    this.#a.tally.repairs.failed++;
    await this.#tell(kind === 'new' ? 'new-file-left' : 'dark-file-left', key, why);
  }

  async #tell(kind: string, key: string, what: string): Promise<void> {
    const event = { kind, scope: '', store: this.#a.access.place, detail: `${escapeKey(key)}: ${what}` };
    await this.#ports.catalog.recordEvents([event]);
  }
}
