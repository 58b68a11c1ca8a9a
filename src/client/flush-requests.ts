import type { RequestRecord } from '../ports/catalog.ts';
import type { ClientSession } from './client-session.ts';

export interface FlushOptions {
  /** How long requests that must be tried again are waited for, in milliseconds. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

export interface Flushed {
  /** Not done yet: their store does not answer, or another process is at them. They stay queued. */
  readonly pending: readonly RequestRecord[];
  /** Places of these whose directory is not there: a sync makes it, and nothing else does. They are not waited for. */
  readonly missing: readonly string[];
  /** Given up, each with its reason. */
  readonly failed: readonly RequestRecord[];
}

/** Rows of a page of the queue. */
const PAGE_ROWS = 1_000;
const PATIENCE_MS = 30_000;
/** How often the queue is looked at while others work on it. */
const POLL_MS = 200;

/** Carries out what is queued for a scope, and waits for what others are carrying out; not for stores that are not to be asked now, or not there. */
export async function flushRequests(session: ClientSession, options: FlushOptions = {}): Promise<Flushed> {
  const { objects, scope, owner, clock } = session;
  const { patienceMs = PATIENCE_MS, signal } = options;
  const startedMs = clock.monotonicMs();
  const stop = signal === undefined ? {} : { signal };
  for (;;) {
    await objects.settle();
    await objects.carryOut({ scopes: [scope], owner, until: 'idle', ...stop });
    const pending = [...(await listAll(session, 'QUEUED')), ...(await listAll(session, 'SUBMITTED'))];
    const missing = [...new Set(pending.map(({ store }) => store))].filter((store) => !session.hasPlace(store));
    const isHeldBack = pending.every(
      ({ kind, store, name }) =>
        missing.includes(store) ||
        scope.availability?.whyNot(store, kind === 'copy' ? 'write' : 'delete', name) !== undefined,
    );
    const isOver = isHeldBack || clock.monotonicMs() - startedMs >= patienceMs || signal?.aborted === true;
    if (pending.length === 0 || isOver) return { pending, missing, failed: await listAll(session, 'FAILED') };
    await clock.sleep(POLL_MS, signal).catch(() => undefined);
  }
}

async function listAll(
  { catalog, scope }: ClientSession,
  state: 'QUEUED' | 'SUBMITTED' | 'FAILED',
): Promise<RequestRecord[]> {
  const all: RequestRecord[] = [];
  for (let after: number | undefined; ; ) {
    const page = await catalog.listRequests({ state, limit: PAGE_ROWS, ...(after === undefined ? {} : { after }) });
    all.push(...page.filter((request) => request.scope === scope.name));
    after = page.at(-1)?.id;
    if (page.length < PAGE_ROWS) return all;
  }
}
