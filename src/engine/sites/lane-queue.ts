import type { VersionEntry } from '../../domain/journal/entry.ts';
import { compareVersions, type Dot } from '../../domain/object/dot.ts';
import type { Outgoing, Position } from '../../ports/journal.ts';

/** What goes to a peer as one line: an entry, and where in the outbox it and those it stands for are. */
export interface Line {
  readonly outgoing: Outgoing;
  /** Its own place first. */
  readonly places: readonly Position[];
  readonly also: readonly Dot[];
  /** The peer asked for them, or will want them. */
  readonly withBytes: boolean;
}

/**
 * What waits in one lane, first come first served. Of an object that changed again before it was sent only the last change goes, and the
 * earlier ones are considered with it.
 */
export class LaneQueue {
  #lines = new Map<string, Line>();

  get length(): number {
    return this.#lines.size;
  }

  add(line: Line): void {
    const key = keyOf(line.outgoing);
    const before = this.#lines.get(key);
    if (before === undefined) this.#lines.set(key, line);
    else if (isFollowedBy(before.outgoing, line.outgoing)) {
      this.#lines.delete(key);
      const also = [...line.also, before.outgoing.entry.dot, ...before.also];
      this.#lines.set(key, { ...line, places: [...line.places, ...before.places], also });
    } else this.#lines.set(`${key}\0${line.outgoing.slot}\0${line.outgoing.position}`, line);
  }

  /** The first lines, as many as a batch may have and as their bytes allow; one at least. */
  take(entries: number, bytes: number): Line[] {
    const taken: Line[] = [];
    let sum = 0;
    for (const [key, line] of this.#lines) {
      const size = line.withBytes ? sizeOf(line.outgoing) : 0;
      if (taken.length >= entries || (taken.length > 0 && sum + size > bytes)) break;
      sum += size;
      taken.push(line);
      this.#lines.delete(key);
    }
    return taken;
  }

  clear(): void {
    this.#lines.clear();
  }
}

function keyOf({ entry }: Outgoing): string {
  return entry.kind === 'version' ? `${entry.scope}\0${entry.name}` : `${entry.scope}\0\0${entry.operation}`;
}

function isFollowedBy({ entry: before }: Outgoing, { entry: after }: Outgoing): boolean {
  if (before.kind !== 'version' || after.kind !== 'version') return false;
  return compareVersions(after, before) === 'after';
}

function sizeOf({ entry }: Outgoing): number {
  return entry.kind === 'version' ? contentSize(entry) : 0;
}

function contentSize({ content }: VersionEntry): number {
  return content.kind === 'object' ? content.size : 0;
}
