import type { CollectionProblem } from '../../domain/collection/collection.ts';
import type { ChangeOutcome, NewEvent } from '../../ports/catalog.ts';
import { TOMBSTONE } from '../codes.ts';
import { lockScopeNames } from '../collections/collection-locks.ts';
import {
  findFreezingDatasets,
  findNamesakes,
  type Freezing,
  frozenProblem,
  takenProblem,
} from '../collections/obstacles.ts';
import type { Session } from '../session.ts';
import { recordEvents } from '../verbs/events.ts';
import type { Accepted } from './decide-change.ts';
import { keysOf } from './find-objects.ts';

type Wish = Omit<Accepted, 'versionId'>;

/**
 * Collections that are in the way of changes (docs/collections.md, "Overwriting"): who heeds them is refused, what others change
 * in a closed or monotonic dataset all the same is told by an event. New objects, of which a sync brings millions, are in no dataset
 * and cost nothing here.
 */
export async function heedCollections(
  session: Session,
  wishes: readonly Wish[],
  outcomes: ChangeOutcome[],
): Promise<readonly Wish[]> {
  const problems = new Map<Wish, readonly CollectionProblem[]>();
  const events: NewEvent[] = [];
  const overwriting = wishes.filter(({ found }) => found !== undefined);
  const frozen = await findFreezingDatasets(
    session,
    overwriting.map(({ found }) => found?.id ?? 0),
  );
  for (const [at, datasets] of frozen) {
    const wish = overwriting[at] as Wish;
    const { change } = wish.encoded;
    if (isHeeding(wish)) {
      problems.set(
        wish,
        datasets.map((dataset) => frozenProblem(change, dataset)),
      );
    } else events.push(tell(wish, datasets));
  }
  for (const [wish, problem] of await findTaken(session, wishes))
    problems.set(wish, [...(problems.get(wish) ?? []), problem]);
  for (const [wish, reasons] of problems) outcomes[wish.encoded.index] = { kind: 'refused', problems: reasons };
  await recordEvents(session, events);
  return problems.size === 0 ? wishes : wishes.filter((wish) => !problems.has(wish));
}

/** A delete is asked for explicitly, and never refused. */
function isHeeding({ encoded: { change } }: Wish): boolean {
  return change.heedsCollections === true && change.content.kind !== 'tombstone';
}

async function findTaken(session: Session, wishes: readonly Wish[]): Promise<ReadonlyMap<Wish, CollectionProblem>> {
  const coming = wishes.filter(
    (wish) => isHeeding(wish) && (wish.found === undefined || wish.found.current.kind === TOMBSTONE),
  );
  if (coming.length === 0) return new Map();
  const keys = await keysOf(
    session,
    coming.map(({ encoded }) => encoded.change),
  );
  await lockScopeNames(
    session,
    keys.map(([scope]) => scope),
    'shared',
  );
  const taken = new Map<Wish, CollectionProblem>();
  for (const [at, kind] of await findNamesakes(session, keys)) {
    const wish = coming[at] as Wish;
    taken.set(wish, takenProblem(wish.encoded.change, kind));
  }
  return taken;
}

function tell({ encoded: { change } }: Wish, [first, ...others]: readonly Freezing[]): NewEvent {
  const { scope, name, content } = change;
  const what = content.kind === 'tombstone' ? 'was deleted' : 'has a new version';
  const which = `the ${first?.isOpen === true ? 'monotonic' : 'closed'} dataset ${first?.scope}:${first?.name}`;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return { kind: 'frozen-object-changed', scope, name, detail: `it ${what}, and is in ${which}${more}` };
}
