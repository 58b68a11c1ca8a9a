import { describeOwner } from '../domain/transfer/claim-owner.ts';
import { storePlace } from '../config/place.ts';
import { describeCatalog } from '../config/show.ts';
import { formatBytesRoughly } from '../config/quantity.ts';
import type { OpenFindings } from '../engine/explain/open-findings.ts';
import type { MarkedStore } from '../engine/explain/store-marks.ts';
import type { UnreadableStore } from '../engine/explain/unreadable-stores.ts';
import type { CatalogStatus } from '../ports/catalog-status.ts';
import type { Peer } from '../ports/journal.ts';
import type { SyncRecord } from '../ports/catalog-syncs.ts';
import type { Configuration } from '../config/configuration.ts';
import { escapeKey } from '../domain/object/key.ts';
import { formatObjectName } from '../domain/object/object-name.ts';
import { counted } from './describe-time.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { describeEvent } from './latest-events.ts';
import { countOf } from '../domain/count-of.ts';
import { renderTable } from './table.ts';

const SYNCS_SHOWN = 5;
const FINDINGS_SHOWN = 5;

export const status: CommandModule = {
  declare(command, act) {
    command.action(
      act(async (cli) => {
        const configuration = await cli.configuration();
        const pando = await cli.pando();
        const catalog = await pando.catalog();
        const unreadable = await pando.storeDesk().unreadable();
        const marked = await pando.storeDesk().marked();
        const counts = await catalog.status();
        const syncs = await catalog.listSyncs(SYNCS_SHOWN);
        const peers = await catalog.listPeers();
        const open = await (await pando.ruleDesk()).openFindings({ limit: FINDINGS_SHOWN });
        const isDefaultPolicyOff = isOffForWantOfVolunteers(configuration);
        const facts = { configuration: configuration.file, catalog: describeCatalog(configuration.catalog) };
        if (cli.globals.json === true)
          cli.output.printJson({ ...facts, ...counts, unreadable, marked, isDefaultPolicyOff, syncs, peers, ...open });
        else {
          const { profiles } = configuration;
          await show(cli, { ...facts, counts, unreadable, marked, syncs, peers, open, isDefaultPolicyOff, profiles });
        }
        return EXIT.done;
      }),
    );
  },
};

/** It was asked for, and nobody takes its copies. */
function isOffForWantOfVolunteers({ defaultPolicy, profiles }: Configuration): boolean {
  const isAskedFor = defaultPolicy !== undefined && defaultPolicy.scopes.length > 0;
  return isAskedFor && Object.values(profiles).every(({ traits }) => !traits.accepts.replicate);
}

async function show(
  { output }: Invocation,
  shown: {
    readonly configuration: string | undefined;
    readonly catalog: string;
    readonly counts: CatalogStatus;
    readonly unreadable: readonly UnreadableStore[];
    readonly marked: readonly MarkedStore[];
    readonly syncs: readonly SyncRecord[];
    readonly peers: readonly Peer[];
    readonly open: OpenFindings;
    readonly isDefaultPolicyOff: boolean;
    readonly profiles: Configuration['profiles'];
  },
): Promise<void> {
  const { counts, syncs, open } = shown;
  output.print(`configuration: ${shown.configuration ?? 'none found'}`);
  output.print(`catalog: ${shown.catalog}`);
  output.print(
    `${countOf(counts.objects, 'object')} in ${countOf(counts.versions, 'version')}, ${counts.tombstones} deleted ones remembered`,
  );
  for (const line of describeLost(counts.lost)) output.print(line);
  for (const { store, why } of shown.unreadable) output.print(`cannot be read: ${store}: ${why}`);
  if (shown.isDefaultPolicyOff) output.print(DEFAULT_POLICY_OFF);
  if (counts.intents > 0) output.print(`${countOf(counts.intents, 'write')} under way or cut short`);
  if (counts.replicas.length > 0) {
    output.print('');
    const marks = new Map(shown.marked.map((one) => [one.place, one.marks]));
    const rows = counts.replicas.map(({ title, store, state, soft, count, bytes }) => [
      title,
      soft ? `${state} (soft)` : state,
      count,
      formatBytesRoughly(bytes),
      store,
      ...(shown.marked.length === 0 ? [] : [(marks.get(store) ?? []).join(', ')]),
    ]);
    const headings = ['store', 'replicas', 'count', 'bytes', 'place', ...(shown.marked.length === 0 ? [] : ['now'])];
    output.print(await renderTable(headings, rows, ['store', 'replicas', 'place', 'now']));
  }
  output.print('');
  for (const line of describeRequests(counts.requests)) output.print(line);
  for (const line of describePeers(shown.peers)) output.print(line);
  for (const sync of syncs) output.print(describeSync(sync, shown.profiles));
  for (const finding of open.findings) output.print(describeEvent(finding, 'found, and still so'));
  if (open.hasMore) output.print(open.findings.length === FINDINGS_SHOWN ? MORE_FOUND : NOT_LOOKED_AT);
}

/** Loudly: nothing Pando does brings them back. */
function describeLost({ count, some }: CatalogStatus['lost']): readonly string[] {
  if (count === 0) return [];
  const names = some.map((name) => escapeKey(formatObjectName(name))).join(', ');
  const more = count > some.length ? ` and ${count - some.length} more` : '';
  return [`LOST: ${counted(count, 'object has', 'objects have')} no copy left that could be good: ${names}${more}`];
}

const MORE_FOUND = '  … and more: pando events has what was found, and pando verify and pando audit what is so';
const NOT_LOOKED_AT = '  what was found longer ago was not looked at: pando verify and pando audit tell what is so';

const DEFAULT_POLICY_OFF =
  'the default policy is off: no store volunteers for copies by policy (accepts: { replicate: true })';

/** What is cancelled is nobody's work any more, and what failed for good no worker's. */
export function describeRequests(all: CatalogStatus['requests']): readonly string[] {
  const requests = all.filter(({ state }) => state !== 'CANCELLED');
  if (requests.length === 0) return ['requests: none'];
  const lines = requests.map(({ kind, state, count }) => `requests: ${count} ${kind} ${state}`);
  const isWaiting = requests.some(({ state }) => state !== 'FAILED');
  return isWaiting ? [...lines, '  pando worker --until-idle carries them out'] : lines;
}

/** Of a site that has none nothing is said. */
function describePeers(peers: readonly Peer[]): readonly string[] {
  if (peers.length === 0) return [];
  const waiting = peers.reduce((all, peer) => all + peer.waiting, 0);
  const troubles = peers.flatMap(({ name, state, lastError, isAway, dead }) => {
    const why = [
      ...(state === 'parked' ? [`parked${lastError === undefined ? '' : `, ${lastError}`}`] : []),
      ...(isAway ? ['ALARM: away for too long'] : []),
      ...(dead > 0 ? [`it has refused ${dead}`] : []),
    ];
    return why.length === 0 ? [] : [`  ${name}: ${why.join('; ')}`];
  });
  const wait = waiting === 0 ? 'nothing waits' : counted(waiting, 'entry waits', 'entries wait');
  return [`peers: ${peers.length}, ${wait}${troubles.length === 0 ? '' : ' (pando peer show)'}`, ...troubles];
}

function describeSync(
  { scope, state, purpose, startedMs, targets, progress, holder }: SyncRecord,
  profiles: Configuration['profiles'],
): string {
  const when = new Date(startedMs).toISOString();
  const who = state === 'running' ? ` by ${describeOwner(holder)}` : '';
  const more = purpose === 'repair' ? '' : (MORE[state] ?? '');
  // Without replicas nothing is copied, and what is held is the source itself.
  const source = profiles[scope];
  const others = targets.filter((target) => source === undefined || target !== storePlace(source.storage));
  const to = others.length === 0 ? ', made known' : ` to ${others.join(', ')}`;
  const what = purpose === 'repair' ? 'verify --repair' : 'sync';
  return `${what}: ${when} ${scope}${to}: ${state}${who}, ${countOf(progress.objects, 'object')}${more}`;
}

const MORE: { readonly [state in SyncRecord['state']]?: string } = {
  interrupted: '; the same sync again goes on from there',
  refused: '; nothing was deleted',
};
