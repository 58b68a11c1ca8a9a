import type { Staged, StageOptions, Storage } from '../../ports/storage.ts';
import type { CopyDraft, DraftTarget } from './copy-draft.ts';
import { failTarget, noteWhole, sourceOf, type StageDeps, type WholeRead } from './stage-item.ts';

/**
 * How far an item came without waiting for anything: to its end (each target staged or failed), not a step, or read, with targets left
 * that these bytes are still to be staged at.
 */
export type StagedSoFar = 'settled' | 'not-read' | WholeRead;

/** Objects that are listed as larger are not worth the question. */
const AT_ONCE_BYTES_MAX = 256 * 1024;

/** As `stageItem`, of a small object between stores that wait for nothing: for these a promise a step costs more than the bytes. */
export function stageAtOnce(deps: StageDeps, draft: CopyDraft): StagedSoFar {
  const { item } = draft;
  if (!draft.targets.some(({ isOpen }) => isOpen)) return 'settled';
  if (item.size > AT_ONCE_BYTES_MAX || deps.pace !== undefined) return 'not-read';
  for (const { plan } of draft.targets) if (plan.how !== 'copy') return 'not-read';
  try {
    return readAndStage(deps, draft);
  } catch (error) {
    draft.sourceFailed(error);
    return 'settled';
  }
}

function readAndStage(deps: StageDeps, draft: CopyDraft): StagedSoFar {
  const { item } = draft;
  const source = sourceOf(deps, item);
  const ifToken = item.wanted?.token;
  const got = source.getAtOnce?.(item.key, ifToken === undefined ? deps.readAtOnce : { ...deps.readAtOnce, ifToken });
  if (got === undefined) return 'not-read';
  const whole = noteWhole(source, draft, got);
  if (draft.isWrong) return 'settled';
  const { attributes, size } = whole.head;
  const options: StageOptions = { attributes, mark: draft.markOf(whole.sha256), size };
  let isLeft = false;
  for (const target of draft.targets) {
    if (!target.isOpen) continue;
    const storage = deps.targets[target.plan.target] as Storage;
    const staged = stageOne({ source, storage, options }, draft, target, whole.bytes);
    if (staged === undefined) isLeft ||= target.isOpen;
    else target.stage(staged);
  }
  return isLeft ? whole : 'settled';
}

interface StagedBetween {
  readonly source: Storage;
  readonly storage: Storage;
  readonly options: StageOptions;
}

function stageOne(
  { source, storage, options }: StagedBetween,
  draft: CopyDraft,
  target: DraftTarget,
  bytes: Uint8Array,
): Staged | undefined {
  try {
    return storage.stageAtOnce?.(target.plan.key ?? draft.item.key, bytes, options);
  } catch (error) {
    failTarget(source, target, error);
    return undefined;
  }
}
