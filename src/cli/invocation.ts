import type { Command } from 'commander';
import type { Configuration } from '../config/configuration.ts';
import { openConfiguration } from '../config/open-configuration.ts';
import type { Pando } from '../compose.ts';
import type { ExitCode } from './exit-codes.ts';
import type { GlobalOptions } from './global-options.ts';
import type { Telling } from '../ports/telling.ts';
import type { Log } from './log.ts';
import { PlaceNames } from './place-names.ts';
import type { Output } from './output.ts';

/** A file of this folder that is a command: its arguments and options, and what it does. */
export interface CommandModule {
  declare(command: Command, act: Act): void;
}

/** What a command does; it says what its arguments and options are parsed to, as commander knows no types. */
type Run<Args extends readonly unknown[], Options> = (
  cli: Invocation,
  args: Args,
  options: Options & GlobalOptions,
) => Promise<ExitCode>;

/** Makes commander's action of what a command does. */
export type Act = <Args extends readonly unknown[] = readonly [], Options = unknown>(
  run: Run<Args, Options>,
) => (...given: unknown[]) => Promise<void>;

/** One call of one command: what it was told, and what it opens is closed after it. */
export class Invocation implements AsyncDisposable {
  readonly globals: GlobalOptions;
  readonly output: Output;
  readonly log: Log;
  readonly telling: Telling;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  readonly names = new PlaceNames();
  readonly #isShort: boolean;
  #configuration: Promise<Configuration> | undefined;
  #pando: Promise<Pando> | undefined;

  constructor(given: {
    readonly globals: GlobalOptions;
    readonly output: Output;
    readonly log: Log;
    readonly telling: Telling;
    readonly signal: AbortSignal;
    readonly isShort: boolean;
  }) {
    this.globals = given.globals;
    this.output = given.output;
    this.log = given.log;
    this.telling = given.telling;
    this.signal = given.signal;
    this.#isShort = given.isShort;
  }

  /** A bar that is drawn anew again and again would run into the lines. */
  get isLoggingToTerminal(): boolean {
    return this.telling.info !== undefined && process.stderr.isTTY;
  }

  /** Loaded with the first use: what needs none works without. */
  configuration(): Promise<Configuration> {
    this.#configuration ??= this.#openConfiguration();
    return this.#configuration;
  }

  async #openConfiguration(): Promise<Configuration> {
    const configuration = await openConfiguration({ config: this.globals.config, data: this.globals.data });
    const { catalog } = configuration;
    if (!this.#isShort || catalog.kind !== 'sqlite') return configuration;
    return { ...configuration, catalog: { ...catalog, sharesThread: true } };
  }

  pando(): Promise<Pando> {
    this.#pando ??= this.#openPando();
    return this.#pando;
  }

  async #openPando(): Promise<Pando> {
    const [{ Pando: Opened }, configuration] = await Promise.all([import('../compose.ts'), this.configuration()]);
    this.log('info', 'configuration', { file: configuration.file ?? 'none', catalog: configuration.catalog.kind });
    return new Opened(configuration, this.telling);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#pando?.catch(() => undefined);
    await opened?.[Symbol.asyncDispose]();
  }
}
