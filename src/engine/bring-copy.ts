import type { ObjectContent } from '../domain/object/version.ts';
import type { Verification } from '../domain/store/verification.ts';
import type { Clock } from '../ports/clock.ts';
import { type Body, type Head, type Published, type Storage, StorageError } from '../ports/storage.ts';
import { askStore } from './ask-store.ts';
import { hashStored } from './hash-stored.ts';
import { HashingBody } from './hashing-body.ts';
import { attributesOf } from './object-content.ts';
import { headOrMissing } from './observe-object.ts';
import type { StoreHealth } from './store-health.ts';

/** One version that is to lie at one place. */
export interface BringCopy {
  readonly target: Storage;
  readonly key: string;
  /** The version's operation, with which the copy is marked. */
  readonly operation: string;
  readonly content: ObjectContent;
  readonly deadlineMs: number;
  /**
   * Its bytes, verified as they pass: a body of another length or hash fails before its last chunk. Undefined: the version is not
   * to be copied any more. Asked only where they do not lie at the target already.
   */
  readonly open: () => Promise<Body | undefined>;
  /** Whether what lies at the key may be written over. By default whatever does may be. */
  readonly isOurs?: (head: Head) => boolean;
  /** Asked directly before publishing: is this still to be done, and by us? */
  readonly ask: () => Promise<'go-on' | NotBrought>;
  readonly signal: AbortSignal;
}

/** `held-back`: the store takes no writes now. */
export type NotBrought = 'moot' | 'lost-lease' | { readonly kind: 'held-back'; readonly why: string };

export interface Brought {
  readonly kind: 'brought';
  /** By this very call. False: the bytes lay there already, and are not this call's to take back. */
  readonly isPublished: boolean;
  readonly token: string;
  readonly verification: Verification;
  readonly sha256: string | undefined;
  /** What the bytes there are marked with: it tells whether they are still the ones that were brought. */
  readonly operation: string;
}

export interface BringPorts {
  readonly clock: Clock;
  readonly health: StoreHealth;
}

/**
 * Brings the bytes of a version to a place, the one way by which single copies are made:
 *
 *     look at the target ── open the source, verify ── stage ── flush ── ask ── publish
 *
 * It publishes only over what it saw at the target. Bytes that lie there already are read and taken. What is published is not
 * recorded yet. Fails with `StorageError`, or as the source fails.
 */
export async function bringCopy(ports: BringPorts, copy: BringCopy): Promise<Brought | NotBrought> {
  const { target, key, content, operation, deadlineMs, signal } = copy;
  const question = { storage: target, key, deadlineMs, signal };
  const head = await headOrMissing(() =>
    askStore(ports, question, (aborted) => target.head(key, { signal: aborted, toWrite: true })),
  );
  if (head !== undefined) {
    if (await isAlreadyThere(ports, copy, head)) {
      const marked = head.mark?.operation ?? operation;
      return {
        kind: 'brought',
        isPublished: false,
        token: head.token,
        verification: 'read-back',
        sha256: content.sha256,
        operation: marked,
      };
    }
    if (copy.isOurs?.(head) === false)
      throw new StorageError('invalid-key', { store: target.name, key }, 'bytes lie there that are not of this object');
  }

  const opened = await copy.open();
  if (opened === undefined) return 'moot';
  const body = new HashingBody(opened);
  const published = await publishBody(copy, body, head);
  if (typeof published === 'string' || 'kind' in published) return published;
  return { kind: 'brought', isPublished: true, ...published, sha256: body.sha256, operation };
}

/** The very bytes lie there already: a copy that was published and not recorded, or one under a new token. */
async function isAlreadyThere(
  ports: BringPorts,
  { target, key, content: { sha256, size }, deadlineMs, signal }: BringCopy,
  head: Head,
): Promise<boolean> {
  if (sha256 === undefined || head.size !== size || head.mark?.sha256 !== sha256) return false;
  try {
    return (await hashStored(ports, { storage: target, key, deadlineMs, signal }, head)) === sha256;
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'corrupt') return false;
    throw error;
  }
}

async function publishBody(
  copy: BringCopy,
  body: HashingBody,
  head: Head | undefined,
): Promise<Published | NotBrought> {
  const { target, key, operation, content, signal } = copy;
  const { sha256, size } = content;
  const staging = { attributes: attributesOf(content), mark: { operation, sha256 }, size, signal };
  const staged = await target.stage(key, body.body, staging).catch((error: unknown) => {
    throw body.failure ?? error;
  });
  let isOurs = true;
  try {
    await target.flush([staged]);
    const answer = await copy.ask();
    if (answer !== 'go-on') return answer;
    isOurs = false;
    const condition = head === undefined ? { ifAbsent: true } : { ifToken: head.token };
    const mark = { operation, sha256: body.sha256 };
    const [published] = await target.publish([{ staged, options: { ...condition, mark } }]);
    if (published === undefined) throw new Error(`${target.name} gave no answer for what it was to publish`);
    if (published instanceof StorageError) throw published;
    return published;
  } finally {
    if (isOurs) await target.discard([staged]).catch(() => undefined);
  }
}
