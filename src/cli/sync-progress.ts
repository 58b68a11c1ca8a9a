import type { SyncProgressReport } from '../engine/sync/sync-types.ts';
import { describeBytes, joinParts } from './describe-progress.ts';
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
    if (last !== undefined) output.note(describeSync(last, toldMs - startedMs));
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
      const told = describeSync(report, Date.now() - startedMs);
      const { done, total } = lengthOf(report);
      if (!isRunning) bar.start(total, done, { told });
      isRunning = true;
      bar.setTotal(total);
      bar.update(done, { told });
    },
    say(line) {
      end();
      say(line);
    },
    end,
    [Symbol.dispose]: end,
  };
}

/** Bytes take the time, where there are any to copy. */
function lengthOf({ listed, done, bytesPlanned, bytesCopied, bytesUnderWay }: SyncProgressReport) {
  if (bytesPlanned > 0) return { done: bytesCopied + bytesUnderWay, total: bytesPlanned };
  return { done, total: Math.max(1, listed) };
}

function describeSync(report: SyncProgressReport, elapsedMs: number): string {
  const { phase, listed, done, bytesCopied, bytesUnderWay, bytesPlanned, failed, complete } = report;
  return joinParts([
    phase === 'deleting' ? 'deleting' : undefined,
    `${done}/${listed}${complete ? '' : '+'} objects`,
    describeBytes({ done: bytesCopied + bytesUnderWay, total: bytesPlanned, complete, elapsedMs }),
    failed > 0 ? `${failed} failed` : undefined,
  ]);
}

/** What is said again and again while one waits is said once. */
function onceEach(output: Output): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    if (!said.has(line)) output.note(`pando: ${line}`);
    said.add(line);
  };
}
