import { createHash } from 'node:crypto';
import type { Ending, FinalSite } from './checkers/convergence.ts';
import type { VersionFact } from './facts.ts';
import type { Onlooker } from './onlooker.ts';
import { type Plan, talkingOf } from './plan.ts';
import type { SimulatedSite } from './simulated-site.ts';
import { heardBy, toldBy } from './topology.ts';

/** What all sites have when nothing happens any more. */
export async function describeEnding(sites: readonly SimulatedSite[], onlooker: Onlooker, plan: Plan): Promise<Ending> {
  const made = new Map<string, VersionFact[]>();
  for (const { name } of sites) made.set(name, onlooker.madeBy(name));
  const final = sites.map((site) => describeSite(site, onlooker, plan));
  // Nobody says up to where he has told all of what he does not know any more.
  const talking = talkingOf(plan);
  const told = [...toldBy(talking)].map(
    ([site, by]) => [site, new Set([...by].filter((one) => !onlooker.isReborn(one)))] as const,
  );
  return { sites: final, made, heard: heardBy(talking), told: new Map(told) };
}

function describeSite(site: SimulatedSite, onlooker: Onlooker, { hasFaults, silent }: Plan): FinalSite {
  const unheard = new Set(silent.filter(([from]) => from === site.name).map(([, to]) => to));
  const { versions, queued } = onlooker.notes(site);
  const { view, contents } = site;
  const objects = new Map<string, VersionFact[]>();
  const bytes = new Map<string, string | undefined>();
  const places = view.places();
  for (const [object, numbers] of view.objects()) {
    objects.set(
      object,
      numbers.flatMap((number) => versions.get(number) ?? []),
    );
    const copy = places.find(({ version }) => version === numbers[0]);
    bytes.set(object, copy && hashOf(contents.get(copy.place)?.bytes));
  }
  const acknowledged = view.acknowledged();
  return {
    site: site.name,
    objects,
    considered: view.considered(),
    bytes,
    peers: [...acknowledged]
      .filter(([name]) => !unheard.has(name))
      .map(([name, count]) => ({
        name,
        acknowledged: count,
        queued: queued.get(name)?.size ?? 0,
        isGivenUp: view.givenUp() > 0,
      })),
    leftovers: [
      ...view
        .outbox()
        .filter(({ peer }) => !unheard.has(peer))
        .map(({ peer, place, state }) => `line ${place} for ${peer} is left in state ${state}`),
      ...view
        .fetches()
        .filter(({ change }) => onlooker.isAnywhere(change))
        .map(({ change, error }) => `the bytes of ${change} are still to be fetched: ${error}`),
      ...(view.journalLines() > 0 && unheard.size === 0
        ? [`${view.journalLines()} lines are left in the journal`]
        : []),
      // Who dies may leave bytes that nobody knows of.
      ...(hasFaults ? [] : orphans(site, new Set(places.map(({ place }) => place)))),
    ],
  };
}

function orphans({ contents }: SimulatedSite, known: ReadonlySet<string>): string[] {
  return contents
    .keysAfter('', undefined, Number.MAX_SAFE_INTEGER)
    .filter((key) => !known.has(key))
    .map((key) => `the bytes at ${key} are nobody's`);
}

function hashOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && createHash('sha256').update(bytes).digest('hex');
}
