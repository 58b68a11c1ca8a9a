import type { ObjectName } from '../../domain/object/object-name.ts';
import { isLost } from '../../domain/replica/lost.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import { viewPolicyStatus } from '../../domain/rule/policy-status.ts';
import type { ObjectTraits } from '../../ports/collections.ts';
import type { ObjectRecord, RequestRecord, StandingRule } from '../../ports/catalog.ts';
import type { LockRecord, RuleObject, RuleRecord } from '../../ports/rules.ts';
import { explainCopy } from './explain-copy.ts';
import { type ExplainPorts, seeStores, type StoresSeen } from './explain-ports.ts';
import { describeRule } from './explain-rule.ts';
import type { CopyExplained, ObjectExplanation, ReplicaExplained, RuleExplained } from './explanation.ts';
import { judgePlaces } from './judge-places.ts';

/** Claims on one object: rules times stores, and nobody has so many. */
const LOCKS_MAX = 10_000;
const REQUESTS_MAX = 1_000;
/** Of an object that says nothing of its format, as HTTP calls it. */
const UNKNOWN_FORMAT = 'application/octet-stream';

/** Undefined: nobody has ever heard of it. */
export async function explainObject(ports: ExplainPorts, name: ObjectName): Promise<ObjectExplanation | undefined> {
  const { catalog } = ports;
  const row = await catalog.readObject(name.scope, name.name);
  if (row === undefined) return undefined;
  const { content, operation, id } = row.current;
  const [seen, locks, rules, standing, requests, traits] = await Promise.all([
    seeStores(ports),
    catalog.listLocks({ name, limit: LOCKS_MAX }),
    catalog.listRulesOf(name),
    catalog.listStandingRules(name.scope),
    catalog.listRequests({ versionId: id, limit: REQUESTS_MAX }),
    catalog.readTraits(name),
  ]);
  const known: Known = { ports, seen, row, locks, rules, standing, requests, traits };
  const current = row.replicas.filter(({ versionId }) => versionId === id);
  const isDeleted = content.kind === 'tombstone';
  const hope = current.map(({ state, token }) => ({ state, hasBytes: token !== undefined }));
  // What was never all there is not lost.
  const isBeingUploaded =
    requests.some(({ reason }) => reason === 'upload') ||
    current.some(({ state, store }) => state === 'COPYING' && !isAskedFor(requests, store));
  return {
    ...name,
    isDeleted,
    isLost: !isDeleted && isLost(hope) && !isBeingUploaded && row.earlier === undefined,
    version: operation,
    earlier: row.earlier?.operation,
    size: content.kind === 'object' ? content.size : undefined,
    sha256: content.kind === 'object' ? content.sha256 : undefined,
    replicas: row.replicas.map((replica) => explainReplica(known, replica)),
    rules: isDeleted ? [] : await Promise.all(rules.map((rule) => explainRuleHere(known, rule))),
    copies: isDeleted ? [] : await explainCopies(known),
  };
}

/** All that the catalog knows of one object. */
interface Known {
  readonly ports: ExplainPorts;
  readonly seen: StoresSeen;
  readonly row: ObjectRecord;
  readonly locks: readonly LockRecord[];
  readonly rules: readonly RuleRecord[];
  readonly standing: readonly StandingRule[];
  readonly requests: readonly RequestRecord[];
  readonly traits: ObjectTraits | undefined;
}

function isAskedFor(requests: readonly RequestRecord[], place: string): boolean {
  return requests.some(({ kind, store }) => kind === 'copy' && store === place);
}

function explainReplica(
  { ports, seen, row, locks, standing, requests, traits }: Known,
  replica: Replica,
): ReplicaExplained {
  const { store, state, verification, soft, place, versionId } = replica;
  const isCurrent = versionId === row.current.id;
  const here = isCurrent ? locks.filter((lock) => lock.store === store) : [];
  const isSource = ports.sourceOf(row.scope) === store;
  const because = [
    ...(isSource ? [`source of ${row.scope}`] : []),
    ...(isCurrent && traits?.authority === store && !isSource ? ['authoritative'] : []),
    ...(standing.some((one) => one.store === store) ? [`replica of ${row.scope}`] : []),
    ...here.map(({ rule }) => `rule ${rule}`),
  ];
  const request = requests.find((one) => one.kind === 'copy' && one.store === store);
  const [lock] = here;
  return {
    store: seen.nameOf(store),
    place,
    state,
    verification,
    isSoft: soft === true,
    isCurrent,
    policyStatus: isCurrent
      ? viewPolicyStatus({ replica: state, lock: lock?.lock.state, request: request?.state })
      : undefined,
    unreadable: seen.whyNotFrom(store),
    storeMarks: seen.marksAt(store),
    because: because.length > 0 ? because : [state === 'COPYING' ? 'being uploaded' : 'no rule asks for it'],
  };
}

async function explainRuleHere(known: Known, rule: RuleRecord): Promise<RuleExplained> {
  const { ports, seen, row, locks } = known;
  const own = locks.filter((lock) => lock.rule === rule.id);
  const object = ruleObjectOf(known, own);
  const isApplied = rule.state === 'OK' || rule.state === 'REPLICATING' || rule.state === 'STUCK';
  if (!isApplied || own.length >= rule.copies || object === undefined) {
    // What the rule lacks elsewhere is nothing of this object.
    return isApplied ? { rule, why: undefined, nextMs: undefined, rejected: [] } : describeRule(rule, undefined);
  }
  const dataset = (await ports.catalog.listParents(row)).find(({ kind }) => kind === 'dataset');
  return describeRule(rule, await judgePlaces(ports, seen, { rule, object, dataset }));
}

function ruleObjectOf({ ports, row, traits }: Known, own: readonly LockRecord[]): RuleObject | undefined {
  const { scope, name, current, replicas } = row;
  const { content, id } = current;
  if (content.kind !== 'object') return undefined;
  return {
    scope,
    name,
    // Of this object alone: nothing is recorded by it.
    id: 0,
    versionId: id,
    bytes: content.size,
    format: traits?.format ?? content.contentType ?? UNKNOWN_FORMAT,
    authority: traits?.authority ?? ports.sourceOf(scope),
    replicas: replicas.filter(({ versionId }) => versionId === id),
    locks: own.map(({ store, lock }) => ({ store, state: lock.state })),
  };
}

async function explainCopies(known: Known): Promise<readonly CopyExplained[]> {
  const { ports, seen, locks, rules, requests } = known;
  const asked = requests.filter(({ kind, state }) => kind === 'copy' && state !== 'CANCELLED');
  const waiting = locks.filter(({ lock }) => lock.state !== 'OK');
  const stores = new Set([...asked, ...waiting].map(({ store }) => store));
  const ids = asked.map(({ id }) => id);
  const [rows, attempts] = await Promise.all([ports.catalog.readTransfers(ids), ports.catalog.readAttempts(ids)]);
  return [...stores].map((store) => {
    const at = asked.findIndex((one) => one.store === store);
    const request = asked[at];
    const claims = locks.filter((one) => one.store === store);
    return explainCopy(ports, seen, {
      store,
      locks: claims,
      request,
      row: rows[at],
      attempts: attempts.filter((one) => one.request === request?.id),
      // Of the first who asked; requests are shared.
      sourceExpression: rules.find(({ id }) => id === claims[0]?.rule)?.sourceExpression,
    });
  });
}
