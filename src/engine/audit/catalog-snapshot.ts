import { chooseRow, type PlaceRow, recordOfRow } from '../../domain/audit/judge-place.ts';
import { compareKeys } from '../../domain/object/key.ts';
import type { ReplicaState } from '../../domain/replica/replica.ts';
import type { Verification } from '../../domain/store/verification.ts';
import type { AuditCatalog, ReplicaPage } from '../../ports/audits.ts';
import type { Scratch } from '../../ports/scratch.ts';
import { ExternalSort } from '../external-sort.ts';

/** What the catalog has at one place of a store. */
export interface ExpectedCopy extends PlaceRow {
  readonly scope: string;
  readonly name: string;
  readonly place: string;
  readonly verification: Verification;
  readonly bytes: number;
  readonly sha256: string | undefined;
  readonly modifiedNs: bigint | undefined;
}

/** Rows kept in memory: some 40 MB of them. */
const ROWS_IN_MEMORY = 50_000;
const PAGE_ROWS = 8_192;

/**
 * All that the catalog has at a store, in the byte order of places, as a listing comes. Places that an algorithm computes are not kept
 * as text, so no database can sort by them: they are sorted here, outside of memory.
 */
export class CatalogSnapshot {
  readonly #sort: ExternalSort<ExpectedCopy>;
  /** Places at which bytes are expected. */
  known = 0;

  private constructor(scratch: Scratch) {
    this.#sort = new ExternalSort<ExpectedCopy>({
      scratch,
      keyOf: ({ place }) => place,
      encode,
      decode,
      inMemory: ROWS_IN_MEMORY,
    });
  }

  static async take(
    catalog: Pick<AuditCatalog, 'listReplicasAt'>,
    scratch: Scratch,
    { store, pause }: { readonly store: string; readonly pause: (known: number) => void },
  ): Promise<CatalogSnapshot> {
    const snapshot = new CatalogSnapshot(scratch);
    let after: string | undefined;
    do {
      const page = await catalog.listReplicasAt(store, {
        limit: PAGE_ROWS,
        ...(after === undefined ? {} : { after }),
      });
      const rows = rowsOf(page);
      for (const row of rows) if (recordOfRow(row).kind === 'there') snapshot.known++;
      await snapshot.#sort.add(rows);
      pause(snapshot.known);
      after = page.next;
    } while (after !== undefined);
    return snapshot;
  }

  /** One copy a place, from after `after`; once. */
  async *places(after: string | undefined): AsyncGenerator<ExpectedCopy> {
    let rows: ExpectedCopy[] = [];
    for await (const row of this.#sort.sorted()) {
      if (after !== undefined && compareKeys(row.place, after) <= 0) continue;
      if (rows[0] !== undefined && rows[0].place !== row.place) {
        yield chooseRow(rows) as ExpectedCopy;
        rows = [];
      }
      rows.push(row);
    }
    if (rows.length > 0) yield chooseRow(rows) as ExpectedCopy;
  }
}

/** The snapshot one place at a time. */
export class PlaceCursor {
  readonly #places: AsyncGenerator<ExpectedCopy>;
  current: ExpectedCopy | undefined;

  constructor(places: AsyncGenerator<ExpectedCopy>) {
    this.#places = places;
  }

  async advance(): Promise<void> {
    const step = await this.#places.next();
    this.current = step.done === true ? undefined : step.value;
  }

  /** What the catalog has at the place; asked in the order of places. */
  async at(place: string): Promise<ExpectedCopy | undefined> {
    while (this.current !== undefined && compareKeys(this.current.place, place) < 0) await this.advance();
    return this.current?.place === place ? this.current : undefined;
  }
}

function rowsOf(page: ReplicaPage): ExpectedCopy[] {
  return page.names.map((name, at) => ({
    name,
    scope: page.scopes[at] as string,
    place: page.places[at] as string,
    versionId: page.versionIds[at] as number,
    isCurrent: page.current[at] as boolean,
    state: page.states[at] as ReplicaState,
    verification: page.verifications[at] as Verification,
    token: page.tokens[at] ?? undefined,
    bytes: page.sizes[at] as number,
    sha256: page.sha256s[at] ?? undefined,
    modifiedNs: toBigInt(page.modifiedNs[at]),
  }));
}

function toBigInt(text: string | null | undefined): bigint | undefined {
  return text === null || text === undefined ? undefined : BigInt(text);
}

function encode(row: ExpectedCopy): string {
  const { place, scope, name, versionId, isCurrent, state, verification, token, bytes, sha256, modifiedNs } = row;
  const columns = [place, scope, name, versionId, isCurrent, state, verification, token ?? null, bytes, sha256 ?? null];
  return JSON.stringify([...columns, modifiedNs?.toString() ?? null]);
}

type Line = [
  place: string,
  scope: string,
  name: string,
  versionId: number,
  isCurrent: boolean,
  state: ReplicaState,
  verification: Verification,
  token: string | null,
  bytes: number,
  sha256: string | null,
  modifiedNs: string | null,
];

function decode(line: string): ExpectedCopy {
  const [place, scope, name, versionId, isCurrent, state, verification, token, bytes, sha256, modifiedNs] = JSON.parse(
    line,
  ) as Line;
  return {
    place,
    scope,
    name,
    versionId,
    isCurrent,
    state,
    verification,
    token: token ?? undefined,
    bytes,
    sha256: sha256 ?? undefined,
    modifiedNs: toBigInt(modifiedNs),
  };
}
