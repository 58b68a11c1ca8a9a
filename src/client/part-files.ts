import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Processes } from '../ports/processes.ts';

/** Of a name so much, at three bytes each at most: with the rest it is below the 255 bytes of a component. */
const STEM_LENGTH = 64;
const PART = /^\..+\.(?<host>[0-9a-f]{8})-(?<pid>\d+)-[0-9a-f]{12}\.part$/s;

/**
 * Names for files until they are whole: `.<name>.<host>-<process>-<random>.part`, beside where they will be. Who is killed leaves
 * one behind; the next to save a file into the directory takes it away. A directory is looked at once, so that many files
 * cost no more than one.
 */
export class PartFiles {
  readonly #processes: Processes;
  readonly #host: string;
  readonly #looked = new Set<string>();

  constructor(processes: Processes) {
    this.#processes = processes;
    this.#host = createHash('sha256')
      .update(`${processes.self.host} ${processIdsKnownHere()}`)
      .digest('hex')
      .slice(0, 8);
  }

  nameFor(path: string): string {
    const stem = basename(path).slice(0, STEM_LENGTH);
    const writer = `${this.#host}-${this.#processes.self.pid}-${randomBytes(6).toString('hex')}`;
    return join(dirname(path), `.${stem}.${writer}.part`);
  }

  /** Takes away what is certainly nobody's any more; what of it cannot be taken away is in nobody's way. */
  async removeDead(directory: string): Promise<void> {
    if (this.#looked.has(directory)) return;
    this.#looked.add(directory);
    for (const name of await readdir(directory).catch(() => []))
      if (this.#isDead(name)) await rm(join(directory, name), { force: true }).catch(() => undefined);
  }

  #isDead(name: string): boolean {
    const { host, pid } = PART.exec(name)?.groups ?? {};
    if (host !== this.#host || pid === undefined) return false;
    return this.#processes.isDead({ ...this.#processes.self, pid: Number(pid) });
  }
}

/** Containers may share a host's name, and see none of each other's processes. */
function processIdsKnownHere(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}
