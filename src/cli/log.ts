import type { Tell, Telling } from '../ports/telling.ts';

/** What a user asks to be told besides the result. */
export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';
export const LOG_LEVELS: readonly LogLevel[] = ['silent', 'error', 'warn', 'info', 'debug'];

export type Log = (
  level: Exclude<LogLevel, 'silent'>,
  message: string,
  facts?: Readonly<Record<string, unknown>>,
) => void;

export interface LogOptions {
  readonly verbose: number;
  readonly quiet: boolean;
  readonly logLevel: LogLevel | undefined;
  readonly logFormat: 'text' | 'json';
}

/** The engine's part of the log: only what is asked for is there. */
export function tellingOf(log: Log, options: Omit<LogOptions, 'logFormat'>): Telling {
  const limit = LOG_LEVELS.indexOf(chooseLevel(options));
  const at = (level: 'info' | 'debug'): Tell | undefined =>
    LOG_LEVELS.indexOf(level) <= limit ? (message, facts) => log(level, message, facts) : undefined;
  return { info: at('info'), debug: at('debug') };
}

/** Lines on stderr: for people, or with `json` one document each. Facts never hold secrets: whoever logs picks them one by one. */
export async function openLog(options: LogOptions): Promise<Log> {
  const level = chooseLevel(options);
  const limit = LOG_LEVELS.indexOf(level);
  if (options.logFormat === 'json' && limit > 0) {
    const { destination, pino } = await import('pino');
    const logger = pino(
      { level, base: { pid: process.pid }, formatters: { level: (label) => ({ level: label }) } },
      destination({ dest: 2, sync: true }),
    );
    return (at, message, facts = {}) => logger[at](facts, message);
  }
  return (at, message, facts = {}) => {
    if (LOG_LEVELS.indexOf(at) > limit) return;
    const told = Object.entries(facts).flatMap(([name, value]) =>
      value === undefined ? [] : ` ${name}=${plain(value)}`,
    );
    process.stderr.write(`pando: ${at}: ${message}${told.join('')}\n`);
  };
}

/** A value that holds spaces is quoted, so that a line can be taken apart again. */
function plain(value: unknown): string {
  const text = String(value);
  return /[\s"]/.test(text) || text === '' ? JSON.stringify(text) : text;
}

function chooseLevel({ verbose, quiet, logLevel }: Omit<LogOptions, 'logFormat'>): LogLevel {
  if (logLevel !== undefined) return logLevel;
  if (quiet) return 'error';
  return verbose >= 2 ? 'debug' : verbose === 1 ? 'info' : 'warn';
}
