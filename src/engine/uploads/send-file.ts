import { urlOf } from '../../domain/store/protocol.ts';
import type { Lease } from '../../ports/catalog.ts';
import type { TransferRow } from '../../ports/rules.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import { type Brought, bringCopy } from '../bring-copy.ts';
import type { RequestLeases } from '../request-leases.ts';
import type { StoreAccess, StoreProtocol } from '../stores/store-access.ts';
import { takeBack } from '../take-back.ts';
import { type Arrived, confirmArrival } from '../transfers/confirm-arrival.ts';
import type { RecentStores } from '../transfers/recent-stores.ts';
import type { Finishing } from './finishing.ts';
import { arrivalOutcome, failureOutcome, interruptedOutcome, retryOutcome } from './upload-outcomes.ts';
import type { FailedProtocol, FileToUpload, UploadedFile, UploadFiles, UploadPorts } from './upload-types.ts';
import { verifiedBody } from './verified-body.ts';

/** A file that is registered, and ours to bring. */
export interface RegisteredFile {
  readonly file: FileToUpload;
  readonly sha256: string;
  readonly lease: Lease;
  readonly row: TransferRow;
  /** Operations of the object's versions: what carries their marks may be written over. */
  readonly operations: ReadonlySet<string>;
}

/** Where files of one upload go, and by what. */
export interface SendTo {
  readonly store: StoreAccess;
  readonly ways: readonly StoreProtocol[];
  readonly recent: RecentStores;
  readonly leases: RequestLeases;
  readonly finishing: Finishing;
  readonly leaseMs: number;
}

/**
 * Brings one file to its store: by each protocol in turn until the bytes are there and were read there, then `AVAILABLE` and a
 * member of its dataset. Whatever happens, the catalog is told before this returns; so nothing is left half done but by a process
 * that dies, and then its lease runs out.
 */
export async function sendFile(
  ports: UploadPorts,
  upload: UploadFiles,
  to: SendTo,
  registered: RegisteredFile,
): Promise<UploadedFile> {
  return new Sending(ports, upload, to, registered).run();
}

class Sending {
  readonly #ports: UploadPorts;
  readonly #upload: UploadFiles;
  readonly #to: SendTo;
  readonly #one: RegisteredFile;
  readonly #failed: FailedProtocol[] = [];
  #lease: Lease;
  readonly #startedMs: number;

  constructor(ports: UploadPorts, upload: UploadFiles, to: SendTo, registered: RegisteredFile) {
    this.#ports = ports;
    this.#upload = upload;
    this.#to = to;
    this.#one = registered;
    this.#lease = registered.lease;
    this.#startedMs = ports.clock.monotonicMs();
  }

  async run(): Promise<UploadedFile> {
    const { ways, leases } = this.#to;
    try {
      for (const [at, way] of ways.entries()) {
        const ended = await this.#tryWay(way, ways[at + 1] === undefined);
        if (ended !== undefined) return ended;
      }
      throw new Error('an upload without protocols was begun');
    } finally {
      leases.letGo(this.#lease);
    }
  }

  /** Undefined: it failed, and the next protocol is to be tried. */
  async #tryWay(way: StoreProtocol, isLast: boolean): Promise<UploadedFile | undefined> {
    const { leases, store, finishing } = this.#to;
    const { file, row } = this.#one;
    const signal = leases.hold(this.#lease);
    const url = urlOf(way.place, row.place);
    if (this.#upload.signal.aborted) return this.#interrupt(way);
    await this.#upload.tell?.({ kind: 'sending', label: file.label, object: file, protocol: way.name, url });
    const ended = { lease: this.#lease, protocol: way.name, place: row.place };
    let arrived: { readonly copy: Arrived; readonly wasThere: boolean };
    try {
      arrived = await this.#bring(way, signal);
    } catch (error) {
      if (this.#upload.signal.aborted) return this.#interrupt(way);
      if (error instanceof LeaseLost || signal.aborted) return this.#lost();
      return this.#failWay(way, error, isLast);
    }
    const busyMs = this.#ports.clock.monotonicMs() - this.#startedMs;
    const done = await finishing.finish(
      arrivalOutcome(ended, arrived.copy, { isSoft: store.isSoft, size: file.size, busyMs }),
    );
    if (!done.isSettled) return this.#lost();
    const why = done.notAttached;
    const state = why !== undefined ? 'failed' : arrived.wasThere ? 'present' : 'uploaded';
    return this.#result(state, { url, protocol: way.name, why, isRefused: why !== undefined });
  }

  async #bring(way: StoreProtocol, signal: AbortSignal) {
    const { store, leases } = this.#to;
    const { file, sha256, row, operations } = this.#one;
    const why = await this.#whyHeldBack();
    if (why !== undefined) throw new StorageError('unavailable', { store: store.name, key: row.place }, why);
    const target = await way.open();
    const { place: key, content, operation, onto } = row;
    const brought = await bringCopy(this.#ports, {
      target,
      key,
      operation,
      content,
      deadlineMs: store.deadlineMs,
      signal,
      open: async () => {
        const onBytes = (bytes: number) => void this.#upload.tell?.({ kind: 'sent-bytes', label: file.label, bytes });
        return verifiedBody(file.open(), { size: file.size, sha256 }, onBytes);
      },
      isOurs: (head) => head.token === onto || operations.has(head.mark?.operation ?? ''),
      ask: async () => {
        if (!(await leases.renew(this.#lease))) return 'lost-lease';
        const heldBack = await this.#whyHeldBack();
        return heldBack === undefined ? 'go-on' : { kind: 'held-back', why: heldBack };
      },
    });
    if (typeof brought === 'string') throw new LeaseLost();
    if (brought.kind === 'held-back') throw new StorageError('unavailable', { store: store.name, key }, brought.why);
    try {
      return { copy: await this.#confirm(way, brought, signal), wasThere: !brought.isPublished };
    } catch (error) {
      if (brought.isPublished) await this.#undo(target, brought);
      throw error;
    }
  }

  async #whyHeldBack(): Promise<string | undefined> {
    const { closed } = await this.#to.recent.read();
    return closed.whyNot(this.#to.store.place, 'write', this.#one.row.place);
  }

  /** What a store has compared, or was read back, is believed; otherwise it is read where it lies (I2). */
  #confirm(way: StoreProtocol, brought: Brought, signal: AbortSignal): Promise<Arrived> {
    const { row, file } = this.#one;
    const { token, verification } = brought;
    const isCompared = verification === 'store' || verification === 'read-back';
    const arrived: Arrived = {
      kind: 'arrived',
      source: undefined,
      wasThere: false,
      size: file.size,
      checksums: {},
      token,
      verification: isCompared ? verification : 'none',
      isLate: false,
      failed: [],
    };
    const arrival = { destination: this.#to.store, by: way.place, key: row.place, content: row.content, signal };
    return confirmArrival(this.#ports, arrived, arrival);
  }

  /** Bytes that are not what was to arrive do not stay. */
  async #undo(target: Storage, { token, operation }: Brought): Promise<void> {
    const { row, file } = this.#one;
    try {
      await takeBack(target, { key: row.place, token, operation });
    } catch (error) {
      const { scope, name } = file;
      this.#ports.events.report({ kind: 'late-copy-left', scope, name, store: target.place, detail: String(error) });
    }
  }

  async #failWay(way: StoreProtocol, error: unknown, isLast: boolean): Promise<UploadedFile | undefined> {
    const { file, row } = this.#one;
    const { catalog, clock, random } = this.#ports;
    const why = error instanceof Error ? error.message : String(error);
    const isStore = error instanceof StorageError;
    const failure = isStore
      ? ({ source: '', protocol: way.name, at: 'destination', kind: error.kind } as const)
      : ({ source: '', protocol: way.name, at: 'source', kind: 'changed' } as const);
    const url = urlOf(way.place, row.place);
    this.#failed.push({ protocol: way.name, url, why });
    await this.#upload.tell?.({ kind: 'protocol-failed', label: file.label, object: file, protocol: way.name, why });
    const ended = { lease: this.#lease, protocol: way.name, place: row.place };
    if (isStore && !isLast) {
      const { owner } = this.#upload;
      const claim = { owner, leaseMs: this.#to.leaseMs };
      const [next] = await catalog.continueUploads([retryOutcome(ended, failure, why)], claim);
      if (next === undefined) return this.#lost();
      this.#lease = next;
      return undefined;
    }
    const told = { why, nowMs: clock.nowMs(), fraction: random.fraction() };
    await this.#to.finishing.finish(failureOutcome(ended, failure, told));
    return this.#result('failed', { why });
  }

  /** Given back at once, with the reason that whoever looks at its rule is told. */
  async #interrupt(way: StoreProtocol): Promise<UploadedFile> {
    const { clock, random, telling } = this.#ports;
    const ended = { lease: this.#lease, protocol: way.name, place: this.#one.row.place };
    const told = { nowMs: clock.nowMs(), fraction: random.fraction() };
    try {
      await this.#to.finishing.finish(interruptedOutcome(ended, told));
    } catch (error) {
      telling?.info?.('an upload could not be given back: its lease runs out', { why: String(error) });
    }
    return this.#result('interrupted', { why: 'interrupted: pando upload --resume goes on with it' });
  }

  /** Somebody else may have ended it: a worker that found the bytes at another store, or an overwrite. */
  async #lost(): Promise<UploadedFile> {
    const { file, sha256, row } = this.#one;
    const { store } = this.#to;
    const now = await this.#ports.catalog.readObject(file.scope, file.name);
    const content = now?.current.content;
    const isCurrent = content?.kind === 'object' && content.sha256 === sha256;
    const replica = now?.replicas.find((one) => one.store === store.place && one.versionId === now.current.id);
    if (isCurrent && replica?.state === 'AVAILABLE')
      return this.#result('present', { url: urlOf(store.place, row.place) });
    const why = isCurrent
      ? 'its lease was lost, because this process did not answer for too long: pando upload --resume'
      : 'it was overwritten or deleted while it was being uploaded';
    return this.#result('failed', { why });
  }

  #result(
    state: UploadedFile['state'],
    more: Partial<Pick<UploadedFile, 'url' | 'protocol' | 'why' | 'isRefused'>>,
  ): UploadedFile {
    const { file, sha256 } = this.#one;
    const { scope, name, label, size } = file;
    const { url, protocol, why, isRefused = false } = more;
    return { scope, name, label, state, size, sha256, url, protocol, failed: this.#failed, why, isRefused };
  }
}

class LeaseLost extends Error {}
