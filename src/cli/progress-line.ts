import type { Output } from './output.ts';

/** One line on stderr that changes, for work whose end is not known beforehand. */
export interface ProgressLine extends Disposable {
  show(text: string): void;
  /** Takes the line away. */
  end(): void;
}

const EVERY_MS = { terminal: 125, other: 2_000 } as const;

/** Seen where a person looks at stderr; elsewhere, with `forced`, as lines every few seconds. */
export function openProgressLine(
  output: Output,
  { forced, hidden }: { readonly forced: boolean; readonly hidden: boolean },
): ProgressLine {
  const isTerminal = process.stderr.isTTY;
  const isWanted = !hidden && !output.isQuiet && (forced || isTerminal);
  let shownMs = 0;
  let isShown = false;
  const end = (): void => {
    if (isShown && isTerminal) process.stderr.write('\r\x1b[K');
    isShown = false;
  };
  return {
    show(text) {
      if (!isWanted || Date.now() - shownMs < EVERY_MS[isTerminal ? 'terminal' : 'other']) return;
      shownMs = Date.now();
      isShown = true;
      const line = text.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1));
      process.stderr.write(isTerminal ? `\r\x1b[K${line}` : `${text}\n`);
    },
    end,
    [Symbol.dispose]: end,
  };
}
