import { UPLOAD_ACTIVITY } from '../../domain/rule/activities.ts';
import { formatObjectName } from '../../domain/object/object-name.ts';
import { placeCopies } from '../../domain/placement/place-copies.ts';
import { tellRejected } from '../../domain/placement/placement.ts';
import type { GroupRest, ObjectFacts } from '../../domain/placement/placement-facts.ts';
import { isGoodReplica } from '../stores/good-replica.ts';
import { selectStores } from '../../domain/store/expression/select-stores.ts';
import { attributesOf } from '../../domain/store/store-traits.ts';
import type { PageQuota } from '../../ports/rules.ts';
import { drawFrom } from '../rules/draw.ts';
import { factsOfStores, placesMeant } from '../rules/store-facts.ts';
import { heedSaid } from '../stores/heed-said.ts';
import type { StoreAccess, Stores } from '../stores/store-access.ts';
import { UploadError, type UploadFiles, type UploadPorts } from './upload-types.ts';

export interface ChosenStore {
  readonly store: StoreAccess;
  readonly why: string;
  /** Quotas of the account that it falls under. */
  readonly quotas: readonly PageQuota[];
}

/** Of so many objects it is looked up what there is of them already. */
const LOOKED_UP_MAX = 1_000;
/** Stores whose reasons are told. */
const TOLD_MAX = 5;
const FORMAT_UNKNOWN = 'application/octet-stream';
/** Everything, but for what ends with this process, and for sources: what is put there becomes an object of theirs. */
const ANY = '*';

/**
 * Which store gets the files, all of them the same one (docs/uploads.md, "Which store"): placement with one copy over the expression,
 * for which no store need volunteer. What was begun at a store stays there, and so does a dataset that was uploaded there before.
 */
export async function chooseUploadStore(ports: UploadPorts, upload: UploadFiles): Promise<ChosenStore> {
  const { catalog, stores } = ports;
  const { account, expression } = upload;
  refuseExpression(expression, [...stores.values()]);
  const [use, quotas, accountUse] = await Promise.all([
    catalog.readStoreUse(),
    catalog.listQuotas(account),
    catalog.readAccountUse(account),
  ]);
  const words = { expression, preferred: [], blocked: [], weight: undefined, domainAttribute: undefined };
  const facts = factsOfStores(stores, words, { use, quotas, accountUse });
  const heard = [...heedSaid(stores, use).values()];
  const sources = heard.filter(({ sourceOf }) => sourceOf.length > 0).map(({ name }) => name);
  const onlyNamed = new Set([...sources, ...heard.filter(({ isInMemory }) => isInMemory).map(({ name }) => name)]);
  const [group] = placeCopies({
    rule: {
      copies: 1,
      grouping: 'all',
      besidesAuthoritative: false,
      isByPolicy: false,
      weight: undefined,
      ignoreAvailability: false,
      purge: false,
    },
    stores: facts.map((one) => (expression === ANY && onlyNamed.has(one.store) ? { ...one, isMatching: false } : one)),
    objects: await factsOfFiles(ports, upload),
    rest: new Map([['all', await restOfDataset(ports, upload)]]),
    draw: (_group, store) => drawFrom(account, store),
  });
  const [chosen] = group?.chosen ?? [];
  const store = [...stores.values()].find(({ name }) => name === chosen?.store);
  const lacking = group?.objects.find((object) => object.lacking.length > 0);
  if (store === undefined || chosen === undefined || lacking !== undefined) {
    const why = group?.missing ?? 'there are no stores';
    const [source] = expression === ANY ? sources : [];
    const named =
      source === undefined
        ? ''
        : `; the source of a profile is chosen only when it is named: --store ${source}, or add a profile for uploads`;
    const told = tellRejected(group?.rejections ?? []).slice(0, TOLD_MAX);
    const reasons = told.map((one) => `\n  ${one.store}: ${one.why}`).join('');
    throw new UploadError('refused', `no store can take what is uploaded: ${why}${named}${reasons}`);
  }
  if (facts.find((one) => one.store === store.name)?.availability.write === false)
    throw new UploadError('unavailable', `${store.name} takes no writes now`);
  const all = [...stores.values()];
  const under = quotas.map((quota) => ({ expression: quota.expression, stores: placesMeant(quota.expression, all) }));
  return { store, why: chosen.why, quotas: under.filter(({ stores: places }) => places.includes(store.place)) };
}

function refuseExpression(expression: string, stores: readonly StoreAccess[]): void {
  const described = stores.map(({ name, traits }) => ({ name, attributes: attributesOf(traits) }));
  const selection = selectStores(expression, described);
  if (selection.kind === 'not-understood')
    throw new UploadError('refused', `the store expression ${expression}: ${selection.problem.message}`);
  if (selection.kind === 'empty') throw new UploadError('refused', `no store is meant by ${expression}`);
}

async function factsOfFiles(ports: UploadPorts, upload: UploadFiles): Promise<ObjectFacts[]> {
  const begun = await findBegun(ports, upload);
  const facts: ObjectFacts[] = [];
  for (const [at, file] of upload.files.entries()) {
    const object = formatObjectName(file);
    const known = at < LOOKED_UP_MAX ? await ports.catalog.readObject(file.scope, file.name) : undefined;
    const isSameSize = known?.current.content.kind === 'object' && known.current.content.size === file.size;
    const current = isSameSize ? known.replicas.filter(({ versionId }) => versionId === known.current.id) : [];
    const begunAt = begun.get(object);
    facts.push({
      object,
      scope: file.scope,
      dataset: undefined,
      bytes: file.size,
      format: file.format ?? file.contentType ?? FORMAT_UNKNOWN,
      authoritative: undefined,
      replicas: current.map((replica) => ({
        store: nameAt(ports.stores, replica.store),
        state: replica.state,
        isGood: isGoodReplica(replica, ports.stores),
      })),
      locks: begunAt === undefined ? [] : [{ store: nameAt(ports.stores, begunAt), isStuck: false }],
    });
  }
  return facts;
}

/** Uploads of these objects that were begun and not ended, with their stores. */
async function findBegun(
  { catalog }: UploadPorts,
  { account, files }: UploadFiles,
): Promise<ReadonlyMap<string, string>> {
  const wanted = new Set(files.map(formatObjectName));
  const begun = new Map<string, string>();
  for (let after: number | undefined; ; ) {
    const page = await catalog.listUploads({ account, limit: 1_000, ...(after === undefined ? {} : { after }) });
    for (const one of page) if (wanted.has(formatObjectName(one))) begun.set(formatObjectName(one), one.store);
    after = page.at(-1)?.request;
    if (page.length < 1_000 || after === undefined) return begun;
  }
}

/** A dataset that was uploaded before stays together. */
async function restOfDataset({ catalog, stores }: UploadPorts, { dataset, account }: UploadFiles): Promise<GroupRest> {
  const nothing = { bytes: 0, stores: [] };
  if (dataset === undefined) return nothing;
  const rules = (await catalog.listRulesOf(dataset)).filter(
    (rule) => rule.account === account && rule.activity === UPLOAD_ACTIVITY && rule.copies === 1,
  );
  const all = [...stores.values()];
  const places = new Set(rules.flatMap(({ expression }) => placesMeant(expression, all)));
  const held = [...places].map((place) => ({ store: nameAt(stores, place), heldBytes: 1, lockedBytes: 1 }));
  return { bytes: held.length, stores: held };
}

function nameAt(stores: Stores, place: string): string {
  return stores.get(place)?.name ?? place;
}
