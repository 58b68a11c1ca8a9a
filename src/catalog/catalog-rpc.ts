import type { MessagePort, Worker } from 'node:worker_threads';
import { type Catalog, CatalogError } from '../ports/catalog.ts';
import { decodeBatch, decodeRecorded, encodeBatch, encodeRecorded } from './batch-text.ts';
import { Posts } from './posts.ts';

/** The port's verbs; all of them are calls that take and give plain data. */
type VerbName = Exclude<keyof Catalog, 'location' | 'onDue' | typeof Symbol.asyncDispose>;

const VERBS = {
  site: true,
  addPeer: true,
  listPeers: true,
  setPeer: true,
  removePeer: true,
  holdStream: true,
  releaseStream: true,
  readOutbox: true,
  settleOutbox: true,
  readPositions: true,
  countOutstanding: true,
  listDeadLetters: true,
  settleDeadLetters: true,
  readContext: true,
  readPeerSecrets: true,
  readSiteSecret: true,
  takeUp: true,
  claimFetches: true,
  renewFetch: true,
  finishFetch: true,
  listFetches: true,
  acknowledgeTold: true,
  findVersion: true,
  listReplicatedScopes: true,
  readDots: true,
  queueObjects: true,
  listSuperseded: true,
  readFloor: true,
  raiseFloor: true,
  readPeerLife: true,
  readPeerReceipt: true,
  readReceipt: true,
  listConflicts: true,
  readConflict: true,
  recordAmong: true,
  beginLife: true,
  readLife: true,
  readActors: true,
  readKnown: true,
  noticeKnown: true,
  renewActors: true,
  queuePurges: true,
  purgeScope: true,
  carryOutPurge: true,
  readCopies: true,
  judgeEntries: true,
  applyEntries: true,
  listSyncPeers: true,
  readAwaited: true,
  readBacklogs: true,
  countBacklog: true,
  giveUpBacklog: true,
  beginResync: true,
  endResync: true,
  tellPeerAway: true,
  openScope: true,
  findOtherSource: true,
  listPlacesNamed: true,
  moveStore: true,
  countHeld: true,
  loseCopies: true,
  listStandingRules: true,
  readObject: true,
  scanScope: true,
  areRecorded: true,
  readMarks: true,
  readContents: true,
  record: true,
  prune: true,
  claimRequests: true,
  renewRequests: true,
  listClaimOwners: true,
  endClaims: true,
  finishRequests: true,
  listRequests: true,
  askAgain: true,
  cancelRequests: true,
  isCopyInHand: true,
  leaveCopies: true,
  beginSync: true,
  renewSync: true,
  endSync: true,
  readGrown: true,
  listSyncs: true,
  openPageJob: true,
  addPage: true,
  collectPages: true,
  stopPageJob: true,
  closePageJob: true,
  listPageJobs: true,
  claimPages: true,
  answerPage: true,
  giveBackPages: true,
  beginFlush: true,
  endFlush: true,
  addIntent: true,
  listIntents: true,
  removeIntent: true,
  readOperation: true,
  recordEvents: true,
  listEvents: true,
  putCollection: true,
  readCollection: true,
  listCollections: true,
  setCollectionOpen: true,
  attach: true,
  detach: true,
  listMembers: true,
  listParents: true,
  sumCollection: true,
  listObstacles: true,
  readTraits: true,
  setTraits: true,
  status: true,
  addRule: true,
  readRule: true,
  listRules: true,
  listRulesOf: true,
  updateRule: true,
  tellRule: true,
  claimRules: true,
  renewRules: true,
  readRulePage: true,
  sumRuleGroup: true,
  readTargetPage: true,
  sumTargetGroup: true,
  readHeldPage: true,
  applyRulePage: true,
  releaseLocks: true,
  openStores: true,
  readStoreUse: true,
  holdsPlaced: true,
  readPlaces: true,
  listNearby: true,
  setStore: true,
  listLocks: true,
  retryStuck: true,
  hasten: true,
  listFailingStores: true,
  readAttempts: true,
  chooseSources: true,
  chooseSourcesWithin: true,
  readTransfersInHand: true,
  readTransfers: true,
  settleTransfers: true,
  handOver: true,
  listAbandoned: true,
  forgetAbandoned: true,
  listReleased: true,
  condemn: true,
  touch: true,
  setQuota: true,
  listQuotas: true,
  readAccountUse: true,
  listReplicasAt: true,
  beginAudit: true,
  saveAudit: true,
  listFindings: true,
  listAudits: true,
  findOperations: true,
  adoptCopies: true,
  beginUploads: true,
  continueUploads: true,
  finishUploads: true,
  listUploads: true,
  listKeptStores: true,
  tellAway: true,
  tellAnswers: true,
  claimAbsence: true,
  markUnavailable: true,
  listUnavailable: true,
  recogniseCopies: true,
  endAbsence: true,
  addToken: true,
  listTokens: true,
  removeToken: true,
} as const satisfies Record<VerbName, true>;

interface Call {
  readonly id: number;
  readonly verb: VerbName | 'listen' | 'close';
  readonly args: readonly unknown[];
}

type Answer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly kind: CatalogError['kind']; readonly message: string };

/** The answer to opening itself carries this id. */
const OPENING = 0;
/** Answers with this id come whenever something may be due, to who listens. */
const DUE = -1;

/** Serves a catalog's verbs over a port; the first answer says whether it could be opened. */
export function serveCatalog(port: MessagePort, open: () => Promise<Catalog>): void {
  const posts = new Posts<Answer>(port, ({ id }, error) => posts.post(failure(id, error)));
  const answer = async (id: number, outcome: Promise<unknown>): Promise<void> => {
    try {
      posts.post({ id, ok: true, value: await outcome });
    } catch (error) {
      posts.post(failure(id, error));
    }
  };
  const end = async (id: number, catalog: Catalog): Promise<void> => {
    await answer(id, catalog[Symbol.asyncDispose]() as Promise<void>);
    posts.flush();
    port.close();
  };
  const serve = (catalog: Catalog): void => {
    let silence: (() => void) | undefined;
    const listen = (isWanted: boolean): void => {
      silence?.();
      const tell = (): void => posts.post({ id: DUE, ok: true, value: undefined });
      silence = isWanted ? catalog.onDue(tell) : undefined;
    };
    const take = ({ id, verb, args }: Call): void => {
      if (verb === 'close') {
        void end(id, catalog);
        return;
      }
      if (verb === 'listen') {
        listen(args[0] === true);
        return;
      }
      if (verb === 'record') {
        void answer(id, catalog.record(decodeBatch(args[0] as string)).then(encodeRecorded));
        return;
      }
      const call = catalog[verb] as (...args: readonly unknown[]) => Promise<unknown>;
      void answer(id, call.apply(catalog, [...args]));
    };
    port.on('message', (calls: readonly Call[]) => {
      for (const call of calls) take(call);
    });
  };
  const start = async (): Promise<void> => {
    const opening = open();
    await answer(
      OPENING,
      opening.then(({ location }) => location),
    );
    await opening.then(serve, () => {
      posts.flush();
      port.close();
    });
  };
  void start();
}

function failure(id: number, error: unknown): Answer {
  const kind = error instanceof CatalogError ? error.kind : 'failed';
  return { id, ok: false, kind, message: error instanceof Error ? error.message : String(error) };
}

/** A catalog whose verbs are carried out by `serveCatalog` in a thread. The thread keeps no idle process alive. */
export async function connectCatalog(worker: Worker): Promise<Catalog> {
  const calls = new Calls(worker);
  const location = (await calls.opened) as string;
  const verbs = Object.keys(VERBS).map((verb) => [verb, (...args: unknown[]) => calls.make(verb as VerbName, args)]);
  const record: Catalog['record'] = async (batch) =>
    decodeRecorded((await calls.make('record', [encodeBatch(batch)])) as string);
  const onDue: Catalog['onDue'] = (hear) => calls.listen(hear);
  const dispose = { [Symbol.asyncDispose]: () => calls.close() };
  return { location, ...Object.fromEntries(verbs), onDue, record, ...dispose } as Catalog;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

class Calls {
  readonly #worker: Worker;
  readonly #posts: Posts<Call>;
  readonly #pending = new Map<number, Pending>();
  readonly #hearers = new Set<() => void>();
  #next = OPENING + 1;
  #gone: CatalogError | undefined;
  readonly opened: Promise<unknown>;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#posts = new Posts(worker, (call, error) => this.#refuse(call, error));
    this.opened = this.#expect(OPENING);
    worker.on('message', (answers: readonly Answer[]) => {
      for (const answer of answers) this.#settle(answer);
    });
    worker.on('error', (error) => this.#lose(`its thread failed: ${error.message}`, error));
    worker.on('exit', () => this.#lose('its thread has ended'));
  }

  make(verb: Call['verb'], args: readonly unknown[]): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    const id = this.#next++;
    this.#posts.post({ id, verb, args });
    return this.#expect(id);
  }

  #refuse({ id, verb }: Call, error: unknown): void {
    const pending = this.#take(id);
    pending?.reject(new CatalogError('failed', `catalog: ${verb} was given what cannot cross a thread`, error));
  }

  /** Nobody is kept alive by listening. */
  listen(hear: () => void): () => void {
    const one = (): void => hear();
    this.#hearers.add(one);
    if (this.#hearers.size === 1) this.#tellListening(true);
    return () => {
      if (this.#hearers.delete(one) && this.#hearers.size === 0) this.#tellListening(false);
    };
  }

  #tellListening(isWanted: boolean): void {
    if (this.#gone === undefined) this.#posts.post({ id: DUE, verb: 'listen', args: [isWanted] });
  }

  async close(): Promise<void> {
    if (this.#gone !== undefined) return;
    const ended = new Promise<void>((resolve) => this.#worker.once('exit', () => resolve()));
    const closing = this.make('close', []);
    this.#gone = new CatalogError('unavailable', 'the catalog is closed');
    await closing;
    this.#worker.ref();
    await ended;
  }

  #expect(id: number): Promise<unknown> {
    if (this.#pending.size === 0) this.#worker.ref();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { resolve, reject });
    return promise;
  }

  #settle(answer: Answer): void {
    if (answer.id === DUE) {
      for (const hear of this.#hearers) hear();
      return;
    }
    const pending = this.#take(answer.id);
    if (answer.ok) pending?.resolve(answer.value);
    else pending?.reject(new CatalogError(answer.kind, answer.message));
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (this.#pending.size === 0) this.#worker.unref();
    return pending;
  }

  #lose(why: string, cause?: unknown): void {
    this.#gone ??= new CatalogError('unavailable', `the catalog is gone: ${why}`, cause);
    for (const pending of this.#pending.values()) pending.reject(this.#gone);
    this.#pending.clear();
  }
}
