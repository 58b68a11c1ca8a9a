import type { Pando, PoolOptions } from '../compose.ts';
import type { Profile } from '../config/configuration.ts';
import { besideEachOther } from '../domain/beside-each-other.ts';
import { describeOwner } from '../domain/transfer/claim-owner.ts';
import type { CarriedOut } from '../engine/carry-out-requests.ts';
import type { OpenedScope } from '../engine/opened-scope.ts';
import type { Log } from './log.ts';

export interface WorkLoops {
  readonly pando: Pando;
  readonly profiles: readonly Profile[];
  readonly log: Log;
  readonly untilIdle: boolean;
  readonly signal: AbortSignal;
  /** Requests at once. */
  readonly transfers?: number | undefined;
  readonly pool: PoolOptions;
  readonly onCounted?: (kind: keyof CarriedOut) => void;
  /** `why` undefined: it answers again. */
  readonly onAway?: (away: ReadonlySet<string>) => void;
}

export interface WorkDone {
  readonly done: CarriedOut;
  /** Of syncs. */
  readonly pages: number;
}

/** Everything a worker does, until the signal is aborted or, where it is told so, until nothing is due. */
export async function runWorkLoops(args: WorkLoops): Promise<WorkDone> {
  const { pando, profiles, log, untilIdle, signal: stop, transfers, pool, onCounted } = args;
  const objects = await pando.objects();
  const named = await openScopes(args);
  const scopes = [...named, ...(await openWaiting(pando, new Set(profiles.map(({ name }) => name))))];
  await objects.recover(scopes);
  await pando.endDeadClaims();
  log('info', 'carrying out requests', { scopes: scopes.map(({ name }) => name).join(',') });
  const failed = new AbortController();
  const signal = AbortSignal.any([stop, failed.signal]);
  const claim = { owner: describeOwner(pando.processes.self), until: untilIdle ? ('idle' as const) : signal, signal };
  const counted = onCounted === undefined ? {} : { onCounted };
  const onAway = awayTeller(args);
  const [own, ofRules, pages] = await besideEachOther(failed, [
    objects.carryOut({
      scopes,
      ...claim,
      ...counted,
      onAway,
      ...(transfers === undefined ? {} : { concurrency: transfers }),
    }),
    pando.keepRules({ ...claim, exceptScopes: scopes.map(({ name }) => name), ...counted, onAway }, pool),
    pando.carryOutPages(claim, pool),
  ]);
  return { done: addUp(own, ofRules), pages };
}

function awayTeller({ pando, log, onAway }: WorkLoops): (place: string, why: string | undefined) => void {
  const away = new Set<string>();
  return (place, why) => {
    const name = pando.stores().get(place)?.name ?? place;
    if (why !== undefined && !away.has(name)) log('warn', `what waits for ${name} is left to a later worker: ${why}`);
    if (why === undefined) away.delete(name);
    else away.add(name);
    onAway?.(away);
  };
}

function addUp(a: CarriedOut, b: CarriedOut): CarriedOut {
  return {
    done: a.done + b.done,
    moot: a.moot + b.moot,
    postponed: a.postponed + b.postponed,
    failed: a.failed + b.failed,
  };
}

/** A profile that cannot be opened keeps nobody else's requests waiting. */
async function openScopes({ pando, profiles, log }: WorkLoops): Promise<OpenedScope[]> {
  const opened: OpenedScope[] = [];
  for (const profile of profiles) {
    try {
      opened.push(await pando.openScope(profile));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      log('warn', `${profile.name} cannot be opened, and its requests wait: ${why}`);
    }
  }
  return opened;
}

/** Places that were synced by hand have deletes that wait, too; they are looked for when the worker starts. */
async function openWaiting(pando: Pando, named: ReadonlySet<string>): Promise<OpenedScope[]> {
  const catalog = await pando.catalog();
  const waiting = new Map<string, string>();
  for (let after: number | undefined; ; ) {
    const page = await catalog.listRequests({
      state: 'QUEUED',
      limit: PAGE_ROWS,
      ...(after === undefined ? {} : { after }),
    });
    for (const { scope, source } of page) {
      // What was uploaded has no source; its deletes are the rules'.
      if (source !== undefined && !named.has(scope)) waiting.set(scope, source);
    }
    after = page.at(-1)?.id;
    if (page.length < PAGE_ROWS) break;
  }
  const opened = await Promise.all([...waiting].map(([scope, source]) => pando.openUnnamedScope(scope, source)));
  return opened.filter((scope) => scope !== undefined);
}

const PAGE_ROWS = 500;
