import type { AuditTally as KeptTally, FindingKind } from '../../ports/audits.ts';
import {
  type AuditListeners,
  type AuditProgressReport,
  FINDINGS_KEPT,
  type LeftTo,
  type ShownFinding,
} from './audit-types.ts';

/** Kept with the progress of an audit whose store did not answer, until it is gone on with or begun anew. */
export const AWAY = 'away';

/** Before the name of a store that something was left to: among the counts that are kept. */
const LEFT = 'left to ';

/** Counters of one audit. Those of its first part are kept with its progress, and gone on with. */
export class AuditTally {
  known = 0;
  listed = 0;
  ok = 0;
  inFlight = 0;
  bytesRead = 0;
  readonly found: Record<Exclude<FindingKind, 'hidden'>, number> = {
    lost: 0,
    dark: 0,
    new: 0,
    stale: 0,
    corrupt: 0,
    unreachable: 0,
  };
  readonly repairs = {
    declaredBad: 0,
    unclaimed: 0,
    doubted: 0,
    forgotten: 0,
    uncopied: 0,
    goneFromSource: 0,
    adopted: 0,
    registered: 0,
    setAside: 0,
    failed: 0,
  };
  readonly findings: ShownFinding[] = [];
  looked = 0;
  suspects = 0;
  phase: AuditProgressReport['phase'] = 'reading the catalog';
  readonly #left = new Map<string, number>();
  readonly #store: string;
  readonly #listeners: AuditListeners;

  constructor(store: string, listeners: AuditListeners) {
    this.#store = store;
    this.#listeners = listeners;
  }

  resume({ listed = 0, ok = 0, inFlight = 0, bytesRead = 0, looked = 0, suspects = 0, ...more }: KeptTally): void {
    Object.assign(this, { listed, ok, inFlight, bytesRead, looked, suspects });
    for (const [name, count] of Object.entries(more))
      if (name.startsWith(LEFT)) this.#left.set(name.slice(LEFT.length), count);
  }

  keep(): KeptTally {
    const { known, listed, ok, inFlight, bytesRead, looked, suspects, found } = this;
    const left = Object.fromEntries([...this.#left].map(([store, count]) => [LEFT + store, count]));
    return { known, listed, ok, inFlight, bytesRead, looked, suspects, ...found, ...left };
  }

  get leftTo(): readonly LeftTo[] {
    return [...this.#left].map(([store, files]) => ({ store, files }));
  }

  leave(store: string): void {
    this.#left.set(store, (this.#left.get(store) ?? 0) + 1);
  }

  find(finding: ShownFinding): void {
    this.found[finding.kind]++;
    if (this.findings.length < FINDINGS_KEPT) this.findings.push(finding);
    this.#listeners.onFinding?.(this.#store, finding);
  }

  report(): void {
    const { phase, looked, known, bytesRead, suspects } = this;
    this.#listeners.onProgress?.({ store: this.#store, phase, looked, known, bytesRead, suspects });
  }
}
