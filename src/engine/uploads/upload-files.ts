import { UPLOAD_ACTIVITY } from '../../domain/rule/activities.ts';
import { showName } from '../../domain/collection/collection.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import { PLAIN_RULE, type RuleWords } from '../../domain/rule/rule.ts';
import { urlOf } from '../../domain/store/protocol.ts';
import { readOwner } from '../../domain/transfer/claim-owner.ts';
import type { NewUpload, UploadBegun } from '../../ports/uploads.ts';
import { isOwnerDead } from '../end-dead-claims.ts';
import { HashingBody } from '../hashing-body.ts';
import { makeContent } from '../object-content.ts';
import { RequestLeases } from '../request-leases.ts';
import { applyDefaultPolicies } from '../rules/default-policies.ts';
import { evaluateRules } from '../rules/evaluate-rules.ts';
import { placeIn, waysTo } from '../stores/store-access.ts';
import { RecentStores } from '../transfers/recent-stores.ts';
import { type ChosenStore, chooseUploadStore } from './choose-upload-store.ts';
import { Finishing } from './finishing.ts';
import { inParallel } from '../in-parallel.ts';
import { type RegisteredFile, sendFile, type SendTo } from './send-file.ts';
import {
  type FileToUpload,
  type UploadedFile,
  UploadError,
  type UploadFiles,
  type UploadPorts,
  type UploadResult,
} from './upload-types.ts';

/** An uploader that sleeps longer than this loses its claims; renewed at a third. */
const LEASE_MS = 60_000;
/** Files that are hashed and registered together: those that wait for their turn hold a lease and no memory but their names. */
const PAGE_FILES = 64;
const PAGE_BYTES = 1 << 30;
const URGENCY = 2;

/**
 * Uploads files (docs/uploads.md): the dataset is registered, one store chosen for all, each file hashed; version, replica `COPYING`,
 * lock and request begin in one transaction; the bytes go by the store's write protocols in turn and are verified where they lie; then
 * `AVAILABLE` and a member of the dataset, in one transaction. Fails with `UploadError` where nothing can be uploaded at all; what
 * becomes of each file is in the result. Again with the same files it goes on where it ended.
 */
export async function uploadFiles(ports: UploadPorts, upload: UploadFiles): Promise<UploadResult> {
  const isNew = await registerDataset(ports, upload);
  const chosen = await chooseUploadStore(ports, upload);
  const run = new UploadRun(ports, upload, chosen);
  await run.refuseLifetime(isNew);
  await run.tellStore();
  const files: UploadedFile[] = [];
  for (const page of pagesOf(upload.files)) files.push(...(await run.uploadPage(page)));
  await run.applyRules();
  await applyDefaultPolicies(ports, files);
  return { store: chosen.store.name, dataset: upload.dataset, files };
}

/** Returns whether it was made now; undefined: there is none. */
async function registerDataset(
  { catalog }: UploadPorts,
  { dataset, tell, files }: UploadFiles,
): Promise<boolean | undefined> {
  for (const scope of new Set(files.map((file) => file.scope)))
    await catalog.openScope({ name: scope, title: scope, source: undefined, replicas: [], standing: false });
  if (dataset === undefined) return undefined;
  const found = await catalog.readCollection(dataset);
  if (found?.kind === 'container')
    throw new UploadError('refused', `${showName(dataset)} is a container, and files are members of datasets`);
  if (found?.isOpen === false)
    throw new UploadError('refused', `${showName(dataset)} is closed: nothing is added to it`);
  if (found === undefined) {
    const made = await catalog.putCollection({ ...dataset, kind: 'dataset', isMonotonic: false });
    if (made.kind === 'refused') throw new UploadError('refused', made.problems.map((one) => one.message).join('; '));
  }
  const isNew = found === undefined;
  await tell?.({ kind: 'dataset-registered', dataset, isNew });
  return isNew;
}

function* pagesOf(files: readonly FileToUpload[]): Generator<readonly FileToUpload[]> {
  let page: FileToUpload[] = [];
  let bytes = 0;
  for (const file of files) {
    if (page.length === PAGE_FILES || (page.length > 0 && bytes + file.size > PAGE_BYTES)) {
      yield page;
      page = [];
      bytes = 0;
    }
    page.push(file);
    bytes += file.size;
  }
  if (page.length > 0) yield page;
}

/** A file with its hash, and where its bytes are to lie. */
interface Hashed {
  readonly file: FileToUpload;
  readonly sha256: string;
  readonly place: string;
}

class UploadRun {
  readonly #ports: UploadPorts;
  readonly #upload: UploadFiles;
  readonly #chosen: ChosenStore;
  readonly #rules = new Set<number>();
  readonly #ways: SendTo['ways'];

  constructor(ports: UploadPorts, upload: UploadFiles, chosen: ChosenStore) {
    const { clientSite, random } = ports;
    this.#ports = ports;
    this.#upload = upload;
    this.#chosen = chosen;
    this.#ways = waysTo(chosen.store, 'write', { clientSite, fraction: random.fraction() });
    if (this.#ways.length === 0) {
      const why = `${chosen.store.name} has no protocol by which it can be written to from here`;
      throw new UploadError('unavailable', why);
    }
  }

  /** A lifetime is the rule's, and a dataset that was uploaded before has one. */
  async refuseLifetime(isNew: boolean | undefined): Promise<void> {
    const { lifetimeMs, dataset } = this.#upload;
    if (lifetimeMs === undefined || isNew !== false || dataset === undefined) return;
    const rules = await this.#ports.catalog.listRulesOf(dataset);
    const rule = rules.find(({ activity }) => activity === UPLOAD_ACTIVITY);
    if (rule === undefined) return;
    const why = `${showName(dataset)} has rule ${rule.id} already, which keeps its own lifetime`;
    throw new UploadError('refused', `${why}: upload without --lifetime, or change the rule`);
  }

  async tellStore(): Promise<void> {
    const { store, why } = this.#chosen;
    const { name: algorithm, deterministic: isDeterministic } = store.paths;
    const protocols = this.#ways.map(({ name }) => name);
    await this.#upload.tell?.({ kind: 'store-chosen', store: store.name, why, algorithm, isDeterministic, protocols });
  }

  async uploadPage(files: readonly FileToUpload[]): Promise<readonly UploadedFile[]> {
    const { atOnce, signal } = this.#upload;
    const ended = new Ended(this.#upload);
    const hashed = (
      await inParallel(files, atOnce, async (file) => {
        const one = await this.#hash(file);
        if (!('state' in one)) return [one];
        await ended.set(file, one);
        return [];
      })
    ).flat();
    if (hashed.length > 0 && signal.aborted) for (const one of hashed) await ended.set(one.file, interrupted(one));
    else if (hashed.length > 0) await this.#bringAll(hashed, ended);
    return files.map((file) => {
      const result = ended.get(file);
      if (result === undefined) throw new Error(`${file.label} was forgotten`);
      return result;
    });
  }

  /** What members were added to is applied at once, so that nobody finds the rule waiting for a worker. */
  async applyRules(): Promise<void> {
    const { owner, signal } = this.#upload;
    await evaluateRules(this.#ports, { owner, signal, rules: [...this.#rules] });
  }

  async #hash(file: FileToUpload): Promise<Hashed | UploadedFile> {
    const { signal, tell, dataset } = this.#upload;
    if (signal.aborted) return interrupted({ file, sha256: undefined });
    const path = placeIn(this.#chosen.store, file, dataset);
    if ('refused' in path) return failed(file, { why: path.refused, isRefused: true });
    try {
      const body = new HashingBody(file.open());
      await body.drain();
      if (body.size !== file.size) return failed(file, { why: 'it changed while it was being read', isRefused: false });
      await tell?.({ kind: 'hashed', label: file.label, sha256: body.sha256 });
      return { file, sha256: body.sha256, place: path.path };
    } catch (error) {
      return failed(file, { why: error instanceof Error ? error.message : String(error), isRefused: false });
    }
  }

  async #bringAll(hashed: readonly Hashed[], ended: Ended): Promise<void> {
    const { catalog, clock } = this.#ports;
    const { signal, atOnce, dataset } = this.#upload;
    await using leases = new RequestLeases(catalog, clock, LEASE_MS, signal);
    const begun = await this.#begin(hashed).catch((error: unknown) => {
      // What was uploaded before stays uploaded, and is told.
      if (error instanceof UploadError) return error;
      throw error;
    });
    if (begun instanceof UploadError) {
      for (const { file } of hashed) await ended.set(file, failed(file, { why: begun.message, isRefused: false }));
      return;
    }
    const registered: RegisteredFile[] = [];
    const present: Hashed[] = [];
    const ours = begun.flatMap((answer) => (answer.kind === 'begun' ? [answer] : []));
    const rows = await catalog.readTransfers(ours.map(({ lease }) => lease.requestId));
    const rowOf = new Map(ours.map((answer, at) => [answer, rows[at]]));
    for (const [at, one] of hashed.entries()) {
      const answer = begun[at] as UploadBegun;
      if (answer.kind === 'present' || answer.kind === 'begun') this.#rules.add(answer.rule);
      if (answer.kind === 'present') present.push(one);
      else if (answer.kind !== 'begun') await ended.set(one.file, this.#refuse(one, answer));
      else {
        const row = rowOf.get(answer);
        if (row === undefined)
          await ended.set(one.file, failed(one.file, { why: 'it was overwritten meanwhile', isRefused: false }));
        else {
          const operations = await this.#operationsOf(row, answer.follows);
          leases.hold(answer.lease);
          registered.push({ ...one, lease: answer.lease, row, operations });
          const { isResumed } = answer;
          await this.#upload.tell?.({ kind: 'registered', label: one.file.label, object: one.file, isResumed });
        }
      }
    }
    await this.#takePresent(present, ended);
    const finishing = new Finishing(catalog, dataset);
    const { store } = this.#chosen;
    const recent = new RecentStores(this.#ports);
    const to = { store, recent, ways: this.#ways, leases, finishing, leaseMs: LEASE_MS };
    await inParallel(registered, atOnce, async (one) => {
      await ended.set(one.file, await sendFile(this.#ports, this.#upload, to, one));
    });
  }

  async #operationsOf(row: RegisteredFile['row'], follows: string | undefined): Promise<ReadonlySet<string>> {
    const { place } = this.#chosen.store;
    const here = row.replicas.filter(({ store }) => store === place);
    const marks = here.length === 0 ? [] : await this.#ports.catalog.readMarks(here.map(({ versionId }) => versionId));
    const before = follows === undefined ? [] : [follows];
    return new Set([row.operation, ...before, ...marks.flatMap((mark) => mark?.operation ?? [])]);
  }

  async #begin(hashed: readonly Hashed[]): Promise<readonly UploadBegun[]> {
    const answers = [...(await this.#register(hashed, []))];
    // Who was killed holds nothing any more.
    const dead = answers.flatMap((answer) => (answer.kind === 'held' && this.#isDead(answer.by) ? [answer.by] : []));
    if (dead.length === 0) return answers;
    const again = [...answers.keys()].filter((at) => {
      const answer = answers[at];
      return answer?.kind === 'held' && dead.includes(answer.by);
    });
    const taken = await this.#register(
      again.map((at) => hashed[at] as Hashed),
      dead,
    );
    for (const [index, at] of again.entries()) answers[at] = taken[index] as UploadBegun;
    return answers;
  }

  async #register(hashed: readonly Hashed[], deadOwners: readonly string[]): Promise<readonly UploadBegun[]> {
    const { catalog, operations } = this.#ports;
    const { owner, dataset, overwrites } = this.#upload;
    const { store, quotas } = this.#chosen;
    const files = hashed.map(({ file, sha256, place }): NewUpload => {
      const { scope, name, size, format, origin } = file;
      const content = { ...makeContent({ size, sha256, attributes: attributesOf(file) }), sha256 };
      return { scope, name, content, operation: operations.next(), place, format, origin };
    });
    const begun = await catalog.beginUploads({
      rule: this.#words(),
      owner,
      leaseMs: LEASE_MS,
      deadOwners,
      store: store.place,
      dataset,
      overwrites,
      quotas,
      files,
    });
    if (begun.kind === 'begun') return begun.files;
    const where =
      begun.stores.length > 0 ? `${store.name} has no room` : `the quota ${begun.quotas.join(', ')} has no room`;
    throw new UploadError('full', `${where} for what is uploaded`);
  }

  #words(): Omit<RuleWords, 'targets'> {
    const { account, lifetimeMs } = this.#upload;
    return {
      ...PLAIN_RULE,
      account,
      copies: 1,
      expression: expressionOf(this.#chosen.store.name),
      grouping: 'all',
      activity: UPLOAD_ACTIVITY,
      priority: URGENCY,
      comment: 'made by pando upload',
      expiresMs: lifetimeMs === undefined ? undefined : Math.round(this.#ports.clock.nowMs() + lifetimeMs),
    };
  }

  #isDead(owner: string): boolean {
    const who = readOwner(owner);
    return who !== undefined && isOwnerDead(this.#ports.processes, who);
  }

  /** Their bytes are at the store, and the rule's locks on them; so they only become members. */
  async #takePresent(present: readonly Hashed[], ended: Ended): Promise<void> {
    const { dataset } = this.#upload;
    if (present.length === 0) return;
    const members: ObjectName[] = present.map(({ file: { scope, name } }) => ({ scope, name }));
    const attached = dataset === undefined ? undefined : await this.#ports.catalog.attach(dataset, members);
    const why = attached?.kind === 'refused' ? attached.problems.map(({ message }) => message).join('; ') : undefined;
    for (const one of present) {
      const url = urlOf(this.#chosen.store.place, one.place);
      const result = { ...failed(one.file, { why, isRefused: why !== undefined }), sha256: one.sha256, url };
      await ended.set(one.file, why === undefined ? { ...result, state: 'present' } : result);
    }
  }

  #refuse(
    { file, sha256 }: Hashed,
    answer: Exclude<UploadBegun, { readonly kind: 'begun' | 'present' }>,
  ): UploadedFile {
    return { ...failed(file, reasonOf(answer, file)), sha256 };
  }
}

/** What became of the files of a page, told as it comes. */
class Ended {
  readonly #upload: UploadFiles;
  readonly #files = new Map<FileToUpload, UploadedFile>();

  constructor(upload: UploadFiles) {
    this.#upload = upload;
  }

  get(file: FileToUpload): UploadedFile | undefined {
    return this.#files.get(file);
  }

  async set(file: FileToUpload, result: UploadedFile): Promise<void> {
    this.#files.set(file, result);
    await this.#upload.tell?.({ kind: 'ended', file: result });
  }
}

function reasonOf(
  answer: Exclude<UploadBegun, { readonly kind: 'begun' | 'present' }>,
  object: ObjectName,
): { readonly why: string; readonly isRefused: boolean } {
  switch (answer.kind) {
    case 'held':
      return { why: `it is being brought by ${answer.by}`, isRefused: false };
    case 'leaving':
      return { why: 'the copy at the store is being deleted: try again when it is gone', isRefused: false };
    case 'other-bytes': {
      const { size, sha256 } = answer;
      const what = sha256 === undefined ? `${size} bytes that nobody has read yet` : `other bytes (${size})`;
      return { why: `${showName(object)} has ${what}: --overwrite makes a new version`, isRefused: true };
    }
    case 'taken': {
      const whose = `its place at the store is that of ${showName(answer.by)}`;
      return { why: `${whose}: give one of them another name, or the store another path algorithm`, isRefused: true };
    }
    case 'refused':
      return { why: answer.problems.map(({ message }) => message).join('; '), isRefused: true };
  }
}

function attributesOf({ contentType, modifiedNs, mode }: FileToUpload) {
  return {
    ...(contentType === undefined ? {} : { contentType }),
    ...(modifiedNs === undefined ? {} : { modifiedNs }),
    ...(mode === undefined ? {} : { mode }),
  };
}

/** A bare name has no dots; as the key of a comparison it may. */
function expressionOf(store: string): string {
  return /^[A-Za-z0-9]+([_-][A-Za-z0-9]+)*$/.test(store) ? store : `${store}=true`;
}

function failed(
  file: FileToUpload,
  { why, isRefused }: { readonly why: string | undefined; readonly isRefused: boolean },
): UploadedFile {
  const { scope, name, label, size } = file;
  const nowhere = { sha256: undefined, url: undefined, protocol: undefined, failed: [] };
  return { scope, name, label, state: 'failed', size, ...nowhere, why, isRefused };
}

function interrupted({
  file,
  sha256,
}: {
  readonly file: FileToUpload;
  readonly sha256: string | undefined;
}): UploadedFile {
  const why = 'interrupted before it was begun';
  return { ...failed(file, { why, isRefused: false }), state: 'interrupted', sha256 };
}
