import type { Clock } from '../../ports/clock.ts';
import type { CopyFailure, CopyOutcome, CopyPage, HeldBackPart, OnMoved } from '../../ports/copy-pool.ts';
import type { Published, PublishRequest, Staged, Storage } from '../../ports/storage.ts';
import { StorageError } from '../../ports/storage.ts';
import { takeBack } from '../take-back.ts';
import { CopyDraft, type DraftTarget } from './copy-draft.ts';
import { hashObject } from './hash-object.ts';
import type { PaceBetween } from './paced.ts';
import { Pulse } from './pulse.ts';
import { stageAtOnce, type StagedSoFar } from './stage-at-once.ts';
import { type StageDeps, stageItem, stageRest } from './stage-item.ts';

export interface CopyPageDeps {
  readonly clock: Clock;
  readonly source: Storage;
  /** Indexed by `CopyTarget.target`. */
  readonly targets: readonly Storage[];
  /** Items under way at once. */
  readonly itemsAtOnce: number;
  /** Until then results may be published; grows while the page is under way. */
  readonly publishUntilMs: () => number;
  /** What is not to be published now; changes while the page is under way. */
  readonly heldBack: () => readonly HeldBackPart[];
  /** Aborted: what is staged is published, a large object is given up half-way, and nothing new is begun. */
  readonly signal: AbortSignal;
  readonly onMoved: OnMoved;
  readonly pace?: PaceBetween | undefined;
  /** Memory to read into that other pages have given back; grows to what all pages under way need at once. */
  readonly buffers?: Buffer[];
}

interface PageRun extends CopyPageDeps {
  readonly beganMs: number;
}

/** What is read of the source at once; objects up to this size come whole. */
const READ_BYTES = 1024 * 1024;

/** A page that takes longer hears what was said meanwhile before it publishes. */
const TURN_AFTER_MS = 1_000;

/** An item is tried again when its source changed under the copy, so often. */
const ATTEMPTS_MAX = 3;

/**
 * Carries out one page: each item is read once and staged at all its targets; then one flush and one publish per target for
 * all items together. Targets that stage in memory are published item by item. Nothing is published after the lease is over.
 */
export async function copyPage(given: CopyPageDeps, page: CopyPage): Promise<CopyOutcome[]> {
  const deps: PageRun = { ...given, beganMs: given.clock.monotonicMs() };
  const drafts = page.items.map((item) => new CopyDraft(item));
  const pulse = new Pulse(deps);
  let next = 0;
  const isNamed = (index: number): boolean =>
    page.items.some((item) => item.targets.some((one) => one.target === index));
  const keepsBytes = deps.targets.some(({ capabilities }, index) => capabilities.stagesInMemory && isNamed(index));
  const work = async (): Promise<void> => {
    const into = keepsBytes ? undefined : (deps.buffers?.pop() ?? Buffer.allocUnsafe(READ_BYTES));
    const lane = { ...deps, pulse, into, readAtOnce: into === undefined ? {} : { into } };
    for (let draft = drafts[next++]; draft !== undefined; draft = drafts[next++]) {
      const soFar = beginItem(lane, draft);
      if (soFar !== 'settled' || keepsBytes || draft.isWorthAnotherRead || draft.isWrong)
        await copyItem(lane, page, draft, soFar);
    }
    if (into !== undefined) deps.buffers?.push(into);
  };
  await Promise.all(Array.from({ length: Math.min(deps.itemsAtOnce, drafts.length) }, work));
  await publishAll(deps, page, drafts, (storage) => !storage.capabilities.stagesInMemory);
  return drafts.map((draft) => draft.outcome());
}

/** Goes on with an item that was begun. */
async function copyItem(
  deps: PageRun & StageDeps,
  page: CopyPage,
  draft: CopyDraft,
  begun: StagedSoFar,
): Promise<void> {
  for (let soFar = begun; ; soFar = beginItem(deps, draft)) {
    if (soFar === 'not-read') await stageItem(deps, draft);
    else if (soFar !== 'settled') await stageRest(deps, draft, soFar);
    if (draft.isWorthAnotherRead && draft.attempts < ATTEMPTS_MAX) {
      await discardStaged(deps, draft);
      deps.pulse.takeBack(draft.moved);
      continue;
    }
    if (draft.isWrong) {
      await discardStaged(deps, draft);
      draft.failWrong();
    }
    await publishAll(deps, page, [draft], (storage) => storage.capabilities.stagesInMemory);
    return;
  }
}

/** A fresh attempt, as far as it comes without waiting. What would not be published is not read either. */
function beginItem(deps: CopyPageDeps & StageDeps, draft: CopyDraft): StagedSoFar {
  draft.begin(deps.clock.nowMs());
  if (deps.signal.aborted) {
    draft.failAll({ kind: 'aborted', message: 'the sync was stopped' });
    return 'settled';
  }
  if (deps.heldBack().length > 0) for (const target of draft.targets) failHeldBack(deps, draft, target);
  return stageAtOnce(deps, draft);
}

/** Whether it was. */
function failHeldBack({ heldBack }: CopyPageDeps, { item }: CopyDraft, target: DraftTarget): boolean {
  const { plan } = target;
  const key = plan.key ?? item.key;
  const part = heldBack().find((one) => one.target === plan.target && key.startsWith(one.prefix));
  if (part !== undefined) target.fail({ kind: 'held-back', message: part.why, at: 'destination' });
  return part !== undefined;
}

async function discardStaged({ targets }: CopyPageDeps, draft: CopyDraft): Promise<void> {
  for (const one of draft.targets) {
    if (one.state.kind === 'staged') await targets[one.plan.target]?.discard([one.state.staged]);
  }
}

interface Waiting {
  readonly draft: CopyDraft;
  readonly target: DraftTarget;
  readonly staged: Staged;
}

async function publishAll(
  deps: PageRun,
  page: CopyPage,
  drafts: readonly CopyDraft[],
  applies: (storage: Storage) => boolean,
): Promise<void> {
  await Promise.all(
    deps.targets.map(async (storage, index) => {
      if (!applies(storage)) return;
      const waiting = collectStaged(drafts, index);
      if (waiting.length > 0) await publishTo(deps, page, storage, waiting);
    }),
  );
}

function collectStaged(drafts: readonly CopyDraft[], index: number): Waiting[] {
  const waiting: Waiting[] = [];
  for (const draft of drafts) {
    for (const target of draft.targets) {
      if (target.plan.target === index && target.state.kind === 'staged')
        waiting.push({ draft, target, staged: target.state.staged });
    }
  }
  return waiting;
}

async function publishTo(deps: PageRun, page: CopyPage, storage: Storage, all: readonly Waiting[]): Promise<void> {
  let waiting = all;
  let staged = waiting.map((one) => one.staged);
  try {
    await storage.flush(staged);
    await hearMeanwhile(deps);
    const isHeld = ({ draft, target }: Waiting): boolean => failHeldBack(deps, draft, target);
    const held = deps.heldBack().length === 0 ? [] : waiting.filter(isHeld);
    if (held.length > 0) {
      await storage.discard(held.map((one) => one.staged));
      waiting = waiting.filter((one) => !held.includes(one));
      staged = waiting.map((one) => one.staged);
      if (waiting.length === 0) return;
    }
    if (await isLeaseOver(deps)) {
      await storage.discard(staged);
      for (const { target } of waiting)
        target.fail({ kind: 'fenced', message: 'the lease was over before the copy could be published' });
      return;
    }
    const outcomes = await storage.publish(
      waiting.map(({ draft, target, staged: one }) => publishRequest(draft, target, one)),
    );
    const isLate = await isLeaseOver(deps);
    for (const [i, { draft, target }] of waiting.entries()) {
      const outcome = outcomes[i] as Published | StorageError;
      if (outcome instanceof StorageError) target.fail(atDestination(outcome));
      else if (page.readBack) await readBack(storage, { draft, target, outcome, isLate });
      else target.copied(outcome, isLate);
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    await storage.discard(staged);
    for (const { target } of waiting) if (target.state.kind === 'staged') target.fail(atDestination(error));
  }
}

/** Where file calls block, what was said of the stores meanwhile is heard only after a turn of the event loop. */
async function hearMeanwhile({ clock, beganMs }: PageRun): Promise<void> {
  if (clock.monotonicMs() - beganMs >= TURN_AFTER_MS) await clock.sleep(0);
}

/** And so is what was said of the lease. */
async function isLeaseOver({ clock, publishUntilMs }: CopyPageDeps): Promise<boolean> {
  if (clock.monotonicMs() < publishUntilMs()) return false;
  await clock.sleep(0);
  return clock.monotonicMs() >= publishUntilMs();
}

function publishRequest(draft: CopyDraft, target: DraftTarget, staged: Staged): PublishRequest {
  const { expected } = target.plan;
  const condition = expected === undefined ? { ifAbsent: true } : { ifToken: expected };
  const mark = draft.lateMark;
  return { staged, options: mark === undefined ? condition : { ...condition, mark } };
}

interface PublishedCopy {
  readonly draft: CopyDraft;
  readonly target: DraftTarget;
  readonly outcome: Published;
  readonly isLate: boolean;
}

async function readBack(storage: Storage, { draft, target, outcome, isLate }: PublishedCopy): Promise<void> {
  try {
    const again = await hashObject(storage, target.plan.key ?? draft.item.key, outcome.token);
    if (again.sha256 === draft.read?.sha256) target.copied({ ...outcome, verification: 'read-back' }, isLate);
    else {
      // They must not stay where the next attempt, by a better way, would find the place taken.
      await takeBack(storage, {
        key: target.plan.key ?? draft.item.key,
        token: outcome.token,
        operation: draft.item.operation,
      });
      target.fail({
        kind: 'corrupt',
        message: `${storage.name}: ${target.plan.key ?? draft.item.key}: what was written reads back differently`,
        at: 'destination',
      });
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    target.fail(atDestination(error));
  }
}

function atDestination({ kind, message }: StorageError): CopyFailure {
  return { kind, message, at: 'destination' };
}
