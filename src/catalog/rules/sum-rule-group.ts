import type { ObjectName } from '../../domain/object/object-name.ts';
import type { GroupRest } from '../../domain/placement/placement-facts.ts';
import type { RuleTarget } from '../../domain/rule/rule.ts';
import { claimReplica } from '../../domain/rule/claim-replica.ts';
import { stateName, TOMBSTONE } from '../codes.ts';
import type { Executor } from '../executor.ts';
import type { Session, SetStatement } from '../session.ts';
import { readContent, readContentOf, readContentPage, type RuleContent } from './rule-content.ts';
import { targetsThatAre } from './rule-targets.ts';

/** Objects summed at a time: others are served in between. */
const PAGE = 5000;

const sizes: SetStatement = {
  columns: { object: 'int' },
  text: (rows) =>
    `select v.size from ${rows} join object o on o.id = r.object join version v on v.id = o.current where o.kind <> ${TOMBSTONE}`,
};

const held: SetStatement = {
  columns: { object: 'int' },
  text: (rows) =>
    `select p.store, p.state, v.size from ${rows} join object o on o.id = r.object join version v on v.id = o.current
       join replica p on p.object = o.id and p.version = o.current where o.kind <> ${TOMBSTONE}`,
};

const locked: SetStatement = {
  columns: { object: 'int', rule: 'int' },
  text: (rows) =>
    `select l.store, v.size from ${rows} join lock l on l.object = r.object and l.rule = r.rule
       join object o on o.id = l.object join version v on v.id = o.current`,
};

interface Sums {
  bytes: number;
  readonly stores: Map<number, { heldBytes: number; lockedBytes: number }>;
}

export function sumRuleGroup(executor: Executor, rule: number, dataset: ObjectName | undefined): Promise<GroupRest> {
  return sumGroup(executor, dataset, { rule, contentOf: (session, isFirst) => readContent(session, rule, isFirst) });
}

/** No rule has this number. */
const NO_RULE = 0;

/** As `sumRuleGroup`, of what no rule is about yet. */
export function sumTargetGroup(
  executor: Executor,
  targets: readonly RuleTarget[],
  dataset: ObjectName | undefined,
): Promise<GroupRest> {
  const contentOf = async (session: Session, isFirst: boolean): Promise<RuleContent> =>
    readContentOf(session, await targetsThatAre(session, targets), isFirst);
  return sumGroup(executor, dataset, { rule: NO_RULE, contentOf });
}

/** Page after page, so that nobody waits for all of it. */
async function sumGroup(
  executor: Executor,
  dataset: ObjectName | undefined,
  {
    rule,
    contentOf,
  }: {
    readonly rule: number;
    readonly contentOf: (session: Session, isFirst: boolean) => Promise<RuleContent | undefined>;
  },
): Promise<GroupRest> {
  const sums: Sums = { bytes: 0, stores: new Map() };
  const only = dataset === undefined ? undefined : await executor.read((session) => findDataset(session, dataset));
  let after = only === undefined ? undefined : JSON.stringify(['dataset', only, 0]);
  let isFirst = true;
  do {
    const [from, first] = [after, isFirst];
    const page = await executor.read(async (session) => {
      const content = await contentOf(session, first);
      if (content === undefined) return undefined;
      const found = await readContentPage(session, content, { after: from, limit: PAGE });
      const isOther = only !== undefined && found.dataset !== only;
      if (!isOther) await addPage(session, rule, found.objects, sums);
      return isOther ? undefined : found;
    });
    after = page?.next;
    isFirst = false;
  } while (after !== undefined);
  const stores: GroupRest['stores'][number][] = [];
  for (const [id, { heldBytes, lockedBytes }] of sums.stores) {
    const store = await executor.read((session) => session.known.stores.textOf(session, id));
    stores.push({ store, heldBytes, lockedBytes });
  }
  return { bytes: sums.bytes, stores: stores.toSorted((a, b) => (a.store < b.store ? -1 : 1)) };
}

async function findDataset(session: Session, { scope, name }: ObjectName): Promise<number> {
  const scopeId = await session.known.scopes.requireId(session, scope);
  const row = await session.db
    .selectFrom('collection')
    .select('id')
    .where('scope', '=', scopeId)
    .where('name', '=', name)
    .executeTakeFirst();
  return row?.id ?? 0;
}

async function addPage(session: Session, rule: number, objects: readonly number[], sums: Sums): Promise<void> {
  const rows = objects.map((object) => [object]);
  for (const [bytes] of await session.all<[number]>(sizes, rows)) sums.bytes += bytes;
  for (const [store, state, bytes] of await session.all<[number, number, number]>(held, rows)) {
    if (!claimReplica(stateName(state)).request) sumsAt(sums, store).heldBytes += bytes;
  }
  const own = await session.all<[store: number, bytes: number]>(
    locked,
    objects.map((object) => [object, rule]),
  );
  for (const [store, bytes] of own) sumsAt(sums, store).lockedBytes += bytes;
}

function sumsAt({ stores }: Sums, store: number): { heldBytes: number; lockedBytes: number } {
  let sums = stores.get(store);
  if (sums === undefined) stores.set(store, (sums = { heldBytes: 0, lockedBytes: 0 }));
  return sums;
}
