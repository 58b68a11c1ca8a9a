import { hash } from 'node:crypto';
import { sameModified } from '../../domain/transfer/difference.ts';
import {
  type GetOptions,
  type Got,
  type Head,
  type Mark,
  type StageOptions,
  type Storage,
  StorageError,
  type Token,
  type WholeGot,
} from '../../ports/storage.ts';
import type { CopyItem } from '../../ports/copy-pool.ts';
import type { CopyDraft, DraftTarget } from './copy-draft.ts';
import { fanOut } from './fan-out.ts';
import { hashBody, hashObject } from './hash-object.ts';
import { paced, type PaceBetween, type PacedTo, payFor } from './paced.ts';
import type { Pulse } from './pulse.ts';

export interface StageDeps {
  readonly source: Storage;
  readonly targets: readonly Storage[];
  /** To read into, where no target keeps what it is given. */
  readonly into: Uint8Array | undefined;
  /** The same, where nothing is waited for. */
  readonly readAtOnce: Pick<GetOptions, 'into'>;
  readonly signal: AbortSignal;
  readonly pulse: Pulse;
  readonly pace?: PaceBetween | undefined;
}

/** A small object that was read, and is not staged everywhere yet. */
export interface WholeRead {
  readonly head: Head;
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** Reads one object once and stages it wherever it is to be copied; compares first where bytes are there that may be right. */
export async function stageItem(deps: StageDeps, draft: CopyDraft): Promise<void> {
  try {
    await compareTimes(deps, draft);
    if (draft.open.length === 0) return;
    const source = sourceOf(deps, draft.item);
    const got = await source.get(draft.item.key, readOptions(deps, draft.item.wanted?.token));
    const { head, body } = got;
    if (body instanceof Uint8Array) await stageWhole(deps, draft, noteWhole(source, draft, { head, body }));
    else await stageStream({ ...deps, source }, draft, got);
  } catch (error) {
    draft.sourceFailed(error);
  }
}

export function sourceOf({ source, targets }: StageDeps, { wanted }: CopyItem): Storage {
  return wanted === undefined || wanted.store === 0 ? source : (targets[wanted.store - 1] as Storage);
}

/** Settles the targets that only have to agree in size and time. */
async function compareTimes({ source, targets }: StageDeps, draft: CopyDraft): Promise<void> {
  const comparable = draft.open.filter(({ plan }) => plan.how === 'compare-time');
  if (comparable.length === 0) return;
  const { key } = draft.item;
  const ours = await source.head(key);
  for (const target of comparable) {
    const storage = targets[target.plan.target] as Storage;
    await perTarget(source, target, async () => {
      const theirs = await storage.head(target.plan.key ?? key);
      if (theirs.token !== target.plan.expected || !agree(ours, theirs, source, storage)) return;
      if (draft.read === undefined) draft.noteRead(ours, undefined);
      target.same(theirs.token, 'none');
    });
  }
}

function agree(ours: Head, theirs: Head, source: Storage, target: Storage): boolean {
  if (ours.size !== theirs.size) return false;
  const resolutions = [source.capabilities.mtimeResolutionNs, target.capabilities.mtimeResolutionNs] as const;
  return sameModified(
    ours.attributes.modifiedNs ?? ours.modifiedNs,
    theirs.attributes.modifiedNs ?? theirs.modifiedNs,
    resolutions,
  );
}

/** What was read, once it was found to be what it should be; other bytes than wanted are noted as wrong. */
export function noteWhole(source: Storage, draft: CopyDraft, { head, body: bytes }: WholeGot): WholeRead {
  if (bytes.length !== head.size) throw shortRead(source, draft, bytes.length, head.size);
  checkSize(source, draft, head);
  const sha256 = hash('sha256', bytes, 'hex');
  checkDoubt(source, draft, sha256);
  draft.noteRead(head, sha256);
  return { head, bytes, sha256 };
}

/** Goes on with what was read at once. */
export async function stageRest(deps: StageDeps, draft: CopyDraft, whole: WholeRead): Promise<void> {
  try {
    await stageWhole(deps, draft, whole);
  } catch (error) {
    draft.sourceFailed(error);
  }
}

/** Stages it at all targets that are open yet. */
async function stageWhole(deps: StageDeps, draft: CopyDraft, whole: WholeRead): Promise<void> {
  if (draft.isWrong) return;
  const { head, bytes, sha256 } = whole;
  const source = sourceOf(deps, draft.item);
  const mark = draft.markOf(sha256);
  for (const target of draft.open) {
    const storage = deps.targets[target.plan.target] as Storage;
    await perTarget(source, target, async () => {
      if (await isSame(storage, draft, target, sha256)) return;
      const key = target.plan.key ?? draft.item.key;
      await payFor(bytes, pacedTo(deps, draft, target));
      target.stage(await storage.stage(key, bytes, stageOptions(head, mark)));
    });
  }
}

async function stageStream(deps: StageDeps, draft: CopyDraft, got: Got): Promise<void> {
  const { key, operation } = draft.item;
  let { head, body } = got;
  try {
    checkSize(deps.source, draft, head);
  } catch (error) {
    if (!(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().return?.();
    throw error;
  }
  if (draft.item.isSourceInDoubt === true || draft.open.some(({ plan }) => plan.how === 'compare-hash')) {
    const { sha256, size } = await hashBody(body, () => deps.pulse.moved(0));
    if (size !== head.size) throw shortRead(deps.source, draft, size, head.size);
    checkDoubt(deps.source, draft, sha256);
    draft.noteRead(head, sha256);
    for (const target of draft.open)
      await perTarget(
        deps.source,
        target,
        async () => void (await isSame(deps.targets[target.plan.target] as Storage, draft, target, sha256)),
      );
    if (draft.open.length === 0) return;
    ({ head, body } = await deps.source.get(key, readOptions(deps, head.token)));
  }
  const open = draft.open;
  const fan = fanOut(body, open.length, (bytes) => {
    draft.moved += bytes;
    return deps.pulse.moved(bytes);
  });
  const resume = `${deps.source.place}\n${head.token}`;
  const options = { ...stageOptions(head, { operation, sha256: undefined }), resume };
  const ends = await Promise.allSettled(
    open.map((target, i) =>
      perTarget(deps.source, target, async () => {
        const storage = deps.targets[target.plan.target] as Storage;
        const branch = fan.branches[i] as AsyncIterable<Uint8Array>;
        try {
          const body = paced(branch, pacedTo(deps, draft, target));
          target.stage(await storage.stage(target.plan.key ?? key, body, options));
        } finally {
          // A store that failed before it asked for a byte must not hold up the others.
          await branch[Symbol.asyncIterator]().return?.();
        }
      }),
    ),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  const digest = fan.digest();
  if (digest === undefined) return;
  if (digest.size !== head.size) throw shortRead(deps.source, draft, digest.size, head.size);
  draft.noteRead(head, digest.sha256);
}

function pacedTo({ pace, signal, targets }: StageDeps, { item }: CopyDraft, { plan }: DraftTarget): PacedTo {
  const { name } = targets[plan.target] as Storage;
  const where = { store: name, key: plan.key ?? item.key };
  return { pace: pace?.(item.wanted?.store ?? 0, plan.target), where, signal };
}

async function isSame(storage: Storage, draft: CopyDraft, target: DraftTarget, sha256: string): Promise<boolean> {
  if (target.plan.how !== 'compare-hash') return false;
  const theirs = await hashObject(storage, target.plan.key ?? draft.item.key, target.plan.expected);
  if (theirs.sha256 !== sha256 || theirs.link !== draft.read?.attributes.link) return false;
  target.same(theirs.token, 'read-back');
  return true;
}

function readOptions({ into, signal }: StageDeps, ifToken: Token | undefined): GetOptions {
  return { signal, ...(into === undefined ? {} : { into }), ...(ifToken === undefined ? {} : { ifToken }) };
}

function checkSize(source: Storage, { item }: CopyDraft, head: Head): void {
  if (item.wanted === undefined || item.wanted.size === head.size) return;
  const why = `it holds ${head.size} bytes, not the ${item.wanted.size} that are wanted`;
  throw new StorageError('corrupt', { store: source.name, key: item.key }, why);
}

/** Bytes that rotted, or that a machine lost when it stopped, must not take the place of good copies. */
function checkDoubt(source: Storage, { item }: CopyDraft, sha256: string): void {
  if (item.isSourceInDoubt !== true || item.known === undefined || item.known.sha256 === sha256) return;
  const why = 'it holds other bytes than were recorded, and nobody wrote them';
  throw new StorageError('corrupt', { store: source.name, key: item.key }, why);
}

function stageOptions(head: Head, mark: Mark): StageOptions {
  return { attributes: head.attributes, mark, size: head.size };
}

async function perTarget(source: Storage, target: DraftTarget, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    failTarget(source, target, error);
  }
}

/** A target's failure is its own; the source's (it comes through `stage` unchanged) is the item's. */
export function failTarget(source: Storage, target: DraftTarget, error: unknown): void {
  if (!(error instanceof StorageError) || error.store === source.name || error.kind === 'changed') throw error;
  target.fail({ kind: error.kind, message: error.message, at: 'destination' });
}

function shortRead(source: Storage, draft: CopyDraft, came: number, size: number): StorageError {
  return new StorageError(
    'changed',
    { store: source.name, key: draft.item.key },
    `${came} of ${size} bytes could be read`,
  );
}
