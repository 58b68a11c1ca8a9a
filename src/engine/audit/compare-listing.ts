import { judgeUnchanged, type PlaceSeen, recordOfRow } from '../../domain/audit/judge-place.ts';
import { compareKeys } from '../../domain/object/key.ts';
import type { AuditFinding, AuditLease, AuditProgress } from '../../ports/audits.ts';
import type { ReplicaChange } from '../../ports/catalog.ts';
import type { CopyPool, ReadOutcome } from '../../ports/copy-pool.ts';
import type { Scratch } from '../../ports/scratch.ts';
import { type Listed, type ListingPage, StorageError } from '../../ports/storage.ts';
import { ListingCursor } from '../sync/cursor.ts';
import { sortListing } from '../sync/sort-listing.ts';
import { ReadQueue } from '../verify/read-queue.ts';
import { AuditTakenOver } from './audit-taken-over.ts';
import type { AuditTally } from './audit-tally.ts';
import type { AuditedStore, AuditPorts } from './audit-types.ts';
import { CatalogSnapshot, type ExpectedCopy, PlaceCursor } from './catalog-snapshot.ts';
import { judgeRead } from './judge-read.ts';
import type { OtherStores } from './other-stores.ts';
import { describeUnknown, kindOfUnknown } from './unknown-files.ts';

export interface CompareListing extends AuditedStore {
  readonly lease: AuditLease;
  readonly resumes: AuditProgress | undefined;
  readonly withChecksums: boolean;
  readonly others: OtherStores;
  readonly pool: CopyPool;
  readonly scratch: Scratch;
  readonly tally: AuditTally;
  readonly stepPlaces?: number;
  readonly signal: AbortSignal;
}

/** Places between two checkpoints, and bytes that are read for them: what an interruption costs. */
const STEP_PLACES = 8_192;
const STEP_BYTES = 4 * 1024 ** 3;
/** Places looked at between two pauses. */
const PLACES_BETWEEN_PAUSES = 512;

/**
 * The first two of three looks: the catalog, then the store. Joined by place; what is wrong if the catalog stays as it is becomes a
 * finding that waits for the third look. Copies that changed, or all of them, are read. Every few thousand places all of it is saved.
 */
export async function compareListing(ports: AuditPorts, args: CompareListing): Promise<void> {
  const { access, storage, resumes, scratch, tally, signal } = args;
  const snapshot = await CatalogSnapshot.take(ports.catalog, scratch, {
    store: access.place,
    pause: (known) => {
      checkSignal(args);
      tally.known = known;
      tally.report();
    },
  });
  tally.phase = 'comparing';
  const position = resumes?.position;
  const comparison = new Comparison(ports, args);
  const pages = storage.capabilities.sortedListing
    ? storage.list('', { signal, ...(position === undefined ? {} : { startAfter: position }) })
    : sortListing(storage.list('', { signal }), scratch);
  const listing = new ListingCursor({
    store: storage.name,
    pages,
    onPage: (page) => comparison.noteFailures(page),
  });
  try {
    await comparison.run(listing, new PlaceCursor(snapshot.places(position)), position);
  } finally {
    await comparison.settle();
    await listing.close();
  }
}

class Comparison {
  readonly #ports: AuditPorts;
  readonly #a: CompareListing;
  readonly #queue: ReadQueue;
  /** What is being read, by key. */
  readonly #reading = new Map<string, ExpectedCopy>();
  #found: AuditFinding[] = [];
  #replicas: ReplicaChange[] = [];
  #stepPlaces = 0;
  #stepBytes = 0;
  #stepBegunMs: number;

  constructor(ports: AuditPorts, args: CompareListing) {
    this.#ports = ports;
    this.#a = args;
    this.#stepBegunMs = ports.clock.nowMs();
    this.#queue = new ReadQueue({
      pool: args.pool,
      onRead: ({ key, source }, [read]) => this.#noteRead(key, source as Listed, read as ReadOutcome),
      onMoved: () => args.tally.report(),
    });
  }

  async run(listing: ListingCursor, places: PlaceCursor, position: string | undefined): Promise<void> {
    await places.advance();
    for (;;) {
      if (listing.isEmpty) await listing.fill();
      const { current: listed } = listing;
      // A store that cannot begin after a key lists all of it anew.
      if (listed !== undefined && position !== undefined && compareKeys(listed.key, position) <= 0) {
        listing.advance();
        continue;
      }
      const { current: expected } = places;
      if (listed === undefined && expected === undefined) break;
      const order = listed === undefined ? -1 : expected === undefined ? 1 : compareKeys(expected.place, listed.key);
      this.#visit(order <= 0 ? expected : undefined, order >= 0 ? listed : undefined);
      if (order >= 0) listing.advance();
      if (order <= 0) await places.advance();
      this.#stepPlaces++;
      if (this.#stepPlaces % PLACES_BETWEEN_PAUSES === 0) await this.#pause();
      if (this.#stepPlaces >= (this.#a.stepPlaces ?? STEP_PLACES) || this.#stepBytes >= STEP_BYTES)
        await this.#save(order <= 0 ? (expected?.place ?? '') : (listed?.key ?? ''));
    }
    await this.#save(undefined);
  }

  /** What is read still is waited for, so that nobody reads after the end. */
  async settle(): Promise<void> {
    await this.#queue.drain().catch(() => undefined);
  }

  noteFailures({ failures }: ListingPage): void {
    for (const { protects, message } of failures)
      this.#found.push({ ...NOBODY, key: protects, kind: 'hidden', detail: message });
  }

  #visit(expected: ExpectedCopy | undefined, listed: Listed | undefined): void {
    const { tally, others } = this.#a;
    tally.looked++;
    const other = expected === undefined && listed !== undefined ? others.inside(listed.key) : undefined;
    if (other !== undefined) return tally.leave(other);
    if (listed !== undefined) tally.listed++;
    const record = expected === undefined ? ({ kind: 'absent' } as const) : recordOfRow(expected);
    if (listed === undefined) return this.#note(expected, undefined, { kind: 'absent' });
    if (record.kind === 'there' && expected !== undefined && this.#mustRead(expected, listed)) {
      this.#reading.set(listed.key, expected);
      this.#stepBytes += listed.size;
      this.#queue.add({ key: listed.key, source: listed, targets: [], known: undefined }, [listed]);
      return;
    }
    this.#note(expected, listed, { kind: 'present', bytes: 'recorded' });
  }

  /** By its token a copy is what it was; one that is in doubt is read in any case. */
  #mustRead({ state, token }: ExpectedCopy, listed: Listed): boolean {
    if (this.#a.withChecksums || token !== listed.token) return true;
    return state === 'SUSPICIOUS' || state === 'BAD' || state === 'UNAVAILABLE';
  }

  #noteRead(key: string, listed: Listed, read: ReadOutcome): void {
    const expected = this.#reading.get(key);
    if (expected === undefined) return;
    this.#reading.delete(key);
    const { access, tally } = this.#a;
    if (read.kind === 'read') tally.bytesRead += read.head.size;
    const judged = judgeRead({
      expected,
      read,
      store: access.place,
      isSource: access.sourceOf.includes(expected.scope),
      readAfterMs: this.#stepBegunMs,
    });
    const { seen, token, detail, replica } = judged;
    if (replica !== undefined) this.#replicas.push(replica);
    this.#note(expected, { ...listed, token: token ?? listed.token }, seen, detail);
  }

  #note(expected: ExpectedCopy | undefined, listed: Listed | undefined, seen: PlaceSeen, detail?: string): void {
    const { tally } = this.#a;
    const record = expected === undefined ? ({ kind: 'absent' } as const) : recordOfRow(expected);
    const verdict = judgeUnchanged(record, seen);
    if (verdict === 'ok') {
      if (record.kind === 'there') {
        tally.ok++;
        this.#recognise(expected as ExpectedCopy, listed);
      }
      return;
    }
    if (verdict === 'in-flight') {
      tally.inFlight++;
      return;
    }
    tally.suspects++;
    const { scope, name, versionId, token } = expected ?? {};
    this.#found.push({
      key: expected?.place ?? listed?.key ?? '',
      kind: verdict === 'dark' ? kindOfUnknown(this.#a.access) : verdict,
      object:
        record.kind === 'absent' || scope === undefined || name === undefined || versionId === undefined
          ? undefined
          : { scope, name, versionId },
      claim: record.kind === 'there' ? record.claim : undefined,
      recordedToken: token,
      token: listed?.token,
      bytes: listed?.size ?? expected?.bytes ?? 0,
      detail: detail ?? (verdict === 'dark' ? describeUnknown(this.#a.access) : 'it is not there'),
    });
  }

  /** A store that was away has it still, under the token that is known. */
  #recognise(
    { scope, name, versionId, place, state, token, verification }: ExpectedCopy,
    listed: Listed | undefined,
  ): void {
    if (state !== 'TEMPORARY_UNAVAILABLE' || token === undefined || listed?.token !== token) return;
    const to = { state: 'AVAILABLE', place, token, verification } as const;
    this.#replicas.push({ scope, name, versionId, store: this.#a.access.place, to, ifToken: token });
  }

  async #pause(): Promise<void> {
    checkSignal(this.#a);
    this.#a.tally.report();
    await this.#queue.room();
  }

  /** `position`: undefined at the end. A step is saved when all of it was read, or not at all. */
  async #save(position: string | undefined): Promise<void> {
    await this.#queue.drain();
    checkSignal(this.#a);
    const { lease, tally } = this.#a;
    const isSaved = await this.#ports.catalog.saveAudit(lease, {
      counts: tally.keep(),
      found: this.#found,
      replicas: this.#replicas,
      ...(position === undefined ? { isListed: true } : { position }),
    });
    if (!isSaved) throw new AuditTakenOver();
    this.#found = [];
    this.#replicas = [];
    this.#stepPlaces = 0;
    this.#stepBytes = 0;
    this.#stepBegunMs = this.#ports.clock.nowMs();
  }
}

const NOBODY = {
  object: undefined,
  claim: undefined,
  recordedToken: undefined,
  token: undefined,
  bytes: 0,
} as const;

function checkSignal({ signal, storage }: Pick<CompareListing, 'signal' | 'storage'>): void {
  if (signal.aborted) throw new StorageError('aborted', { store: storage.name }, 'the audit was stopped');
}
