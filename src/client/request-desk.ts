import type { Pando } from '../compose.ts';
import type { RequestState } from '../domain/transfer/request-states.ts';
import type { Catalog, RequestRecord } from '../ports/catalog.ts';
import type { RequestCancelled } from '../ports/catalog-requests.ts';
import { findStore } from './list-stores.ts';
import { RuleError } from './rule-error.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';

export interface RequestsAsked {
  /** Those that were named; `why`: it was not done. */
  readonly asked: readonly { readonly id: number; readonly why: string | undefined }[];
  /** How many others that were meant. */
  readonly others: number;
}

/** Rows of a page. */
const PAGE_ROWS = 500;

/** By their numbers. */
export async function* listRequests(
  catalog: Pick<Catalog, 'listRequests'>,
  state: RequestState | undefined,
): AsyncGenerator<RequestRecord> {
  for (let after: number | undefined; ; ) {
    const page = await catalog.listRequests({
      limit: PAGE_ROWS,
      ...(state === undefined ? {} : { state }),
      ...(after === undefined ? {} : { after }),
    });
    yield* page;
    after = page.at(-1)?.id;
    if (page.length < PAGE_ROWS) return;
  }
}

/** Tries requests now: those named, those a rule is stuck on, those that wait for a store (docs/rules.md, "Requests"). */
export async function retryRequests(
  pando: Pando,
  wanted: { readonly ids: readonly number[]; readonly rule?: number; readonly store?: string },
): Promise<RequestsAsked> {
  const { ids, rule, store } = wanted;
  if (ids.length === 0 && rule === undefined && store === undefined) {
    const remedy = 'write numbers of pando request ls, --rule or --store';
    throw new ConfigurationError([problemOutsideFiles('request retry', 'nothing is to be tried', remedy)]);
  }
  const catalog = await pando.catalog();
  let others = 0;
  if (rule !== undefined) {
    if ((await catalog.readRule(rule)) === undefined)
      throw new RuleError('not-found', `there is no rule ${rule}`, 'pando rule ls shows what there is');
    others += await catalog.hasten({ fact: 'asked', rule });
  }
  if (store !== undefined) {
    const { place } = findStore(pando.configuration, store);
    await pando.declareStores();
    others += await catalog.hasten({ fact: 'asked', store: place });
  }
  const answers = await catalog.askAgain(ids);
  const why = 'there is none, or a worker has it already: pando request ls';
  return { asked: ids.map((id, at) => ({ id, why: answers[at] === true ? undefined : why })), others };
}

export async function cancelRequests(pando: Pando, ids: readonly number[]): Promise<RequestsAsked> {
  const answers = await (await pando.catalog()).cancelRequests(ids);
  return { asked: ids.map((id, at) => ({ id, why: WHY_NOT[answers[at] ?? 'over'] })), others: 0 };
}

const WHY_NOT: Readonly<Record<RequestCancelled, string | undefined>> = {
  cancelled: undefined,
  'of-rules': 'a rule wants the copy: pando rule suspend or pando rule rm',
  delete: 'what was deleted has to go, and it is tried until it is',
  over: 'there is none that is not over',
};
