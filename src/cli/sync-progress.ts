import type { SyncProgressReport } from '../engine/sync/sync-types.ts';
import { formatBytesRoughly } from '../config/quantity.ts';
import type { Output } from './output.ts';

export interface Progress extends Disposable {
  readonly show: (report: SyncProgressReport) => void;
  /** A line that stays, above the bar. */
  say(line: string): void;
  /** Takes the bar away. */
  end(): void;
}

/** A bar on stderr where a person looks at it; elsewhere, with `forced`, a line every few seconds. */
export async function openProgress(
  output: Output,
  { forced, hidden }: { readonly forced: boolean; readonly hidden: boolean },
): Promise<Progress> {
  const isWanted = !hidden && !output.isQuiet && (forced || process.stderr.isTTY);
  if (!isWanted) return silent(output);
  return process.stderr.isTTY ? openBar(output) : openLines(output);
}

function silent(output: Output): Progress {
  return { show: () => undefined, say: onceEach(output), end: () => undefined, [Symbol.dispose]: () => undefined };
}

const LINE_EVERY_MS = 2_000;

function openLines(output: Output): Progress {
  const startedMs = Date.now();
  let toldMs = startedMs;
  let last: SyncProgressReport | undefined;
  const tell = (): void => {
    toldMs = Date.now();
    if (last !== undefined) output.note(describe(last, toldMs - startedMs));
  };
  return {
    show(report) {
      last = report;
      if (Date.now() - toldMs >= LINE_EVERY_MS) tell();
    },
    say: onceEach(output),
    end: tell,
    [Symbol.dispose]: () => undefined,
  };
}

async function openBar(output: Output): Promise<Progress> {
  const { default: progress } = await import('cli-progress');
  const startedMs = Date.now();
  const bar = new progress.SingleBar({
    format: '{bar} {told}',
    barsize: 24,
    barCompleteChar: '━',
    barIncompleteChar: '─',
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
    fps: 8,
    linewrap: false,
    gracefulExit: false,
  });
  let isRunning = false;
  const end = (): void => {
    if (isRunning) bar.stop();
    isRunning = false;
  };
  const say = onceEach(output);
  return {
    show(report) {
      const told = describe(report, Date.now() - startedMs);
      if (!isRunning) bar.start(Math.max(1, report.listed), report.done, { told });
      isRunning = true;
      bar.setTotal(Math.max(1, report.listed));
      bar.update(report.done, { told });
    },
    say(line) {
      end();
      say(line);
    },
    end,
    [Symbol.dispose]: end,
  };
}

function describe(report: SyncProgressReport, elapsedMs: number): string {
  const { phase, listed, done, bytesCopied, bytesPlanned, failed, complete } = report;
  const rate = bytesCopied / Math.max(0.001, elapsedMs / 1000);
  const more = complete ? '' : '+';
  const left = complete && bytesCopied > 0 ? (bytesPlanned - bytesCopied) / Math.max(1, rate) : undefined;
  return [
    phase === 'deleting' ? 'deleting' : undefined,
    `${done}/${listed}${more} objects`,
    `${formatBytesRoughly(bytesCopied)}/${formatBytesRoughly(bytesPlanned)}${more}`,
    `${formatBytesRoughly(Math.round(rate))}/s`,
    left === undefined || left < 1 ? undefined : `${clock(left)} left`,
    failed > 0 ? `${failed} failed` : undefined,
  ]
    .filter((part) => part !== undefined)
    .join('  ');
}

function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}h${String(m).padStart(2, '0')}m` : m > 0 ? `${m}m${String(s).padStart(2, '0')}s` : `${s}s`;
}

/** What is said again and again while one waits is said once. */
function onceEach(output: Output): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (!said.has(line)) output.note(`pando: ${line}`);
    said.add(line);
  };
}
