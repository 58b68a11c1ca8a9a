import { Client, type ClientConfig } from 'pg';
import type { Clock } from '../ports/clock.ts';
import type { DueBell } from '../ports/due-bell.ts';

const CHANNEL = 'pando_due';
/** What is committed within this time is told to other processes at once. */
const TELL_EVERY_MS = 50;
/** Before a connection that broke is made again. */
const RECONNECT_MS = 5_000;

/**
 * Told after the commit, not inside of the transaction: commits that notify wait for each other, each for the disk. What a process that
 * dies in between has not told is found by looking.
 */
const TELL = `select set_config('synchronous_commit', 'off', true), pg_notify('${CHANNEL}', $1)`;

export interface PostgresBellOptions {
  /** Of the one connection that listens, as long as somebody does. */
  readonly connection: ClientConfig;
  /** Names this process: it has heard itself already. */
  readonly self: string;
  readonly query: (text: string, values: readonly string[]) => Promise<unknown>;
  readonly clock: Clock;
}

export class PostgresBell implements DueBell {
  readonly #o: PostgresBellOptions;
  readonly #hearers = new Set<() => void>();
  readonly #closing = new AbortController();
  #listening: Client | undefined;
  #telling: Promise<void> | undefined;
  #isUntold = false;

  constructor(options: PostgresBellOptions) {
    this.#o = options;
  }

  onDue(hear: () => void): () => void {
    const one = (): void => hear();
    if (this.#hearers.size === 0) void this.#listen();
    this.#hearers.add(one);
    return () => {
      this.#hearers.delete(one);
      if (this.#hearers.size === 0) void this.#stopListening();
    };
  }

  /** After a commit. */
  tell(): void {
    this.#ring();
    this.#isUntold = true;
    this.#telling ??= this.#tellOthers().finally(() => {
      this.#telling = undefined;
    });
  }

  /** All was told. */
  async close(): Promise<void> {
    this.#hearers.clear();
    this.#closing.abort();
    await Promise.all([this.#telling, this.#stopListening()]);
  }

  async #tellOthers(): Promise<void> {
    const { query, self, clock } = this.#o;
    while (this.#isUntold) {
      this.#isUntold = false;
      await query(TELL, [self]).catch(() => undefined);
      await clock.sleep(TELL_EVERY_MS, this.#closing.signal).catch(() => undefined);
    }
  }

  async #listen(): Promise<void> {
    const client = new Client(this.#o.connection);
    this.#listening = client;
    client.on('error', () => {});
    client.once('end', () => this.#listenAgain(client));
    client.on('notification', ({ payload }) => {
      if (payload !== this.#o.self) this.#ring();
    });
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
    } catch {
      await client.end().catch(() => undefined);
      this.#listenAgain(client);
      return;
    }
    // Whatever was told before it listened.
    if (this.#listening === client) this.#ring();
  }

  /** Where it cannot listen, those who wait look as if nobody told anything. */
  #listenAgain(broken: Client): void {
    if (this.#listening !== broken) return;
    this.#listening = undefined;
    const again = (): void => {
      if (this.#hearers.size > 0 && this.#listening === undefined) void this.#listen();
    };
    void this.#o.clock.sleep(RECONNECT_MS, this.#closing.signal).then(again, () => undefined);
  }

  async #stopListening(): Promise<void> {
    const client = this.#listening;
    this.#listening = undefined;
    await client?.end().catch(() => undefined);
  }

  #ring(): void {
    for (const hear of this.#hearers) hear();
  }
}
