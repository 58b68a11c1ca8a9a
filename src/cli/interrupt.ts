import { EXIT } from './exit-codes.ts';

/** The first Ctrl-C asks to stop in order, the second ends the process at once. */
export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
}

/** How the launcher (bin/pando.mjs) passes on what it was sent. */
const PASSED = 'SIGUSR2';

export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  // A signal to the group comes from the launcher once more: which of both comes first is all the same.
  const heard = { own: 0, passed: 0 };
  const hear = (way: keyof typeof heard) => (): void => {
    const before = Math.max(heard.own, heard.passed);
    heard[way]++;
    if (Math.max(heard.own, heard.passed) > before) stop();
  };
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    process.stderr.write('\npando: stopping: what is under way is finished or undone; once more stops at once\n');
    controller.abort();
  };
  const [own, passed] = [hear('own'), hear('passed')];
  process.on('SIGINT', own);
  process.on('SIGTERM', own);
  process.on(PASSED, passed);
  const untie = tie(() => {
    if (!controller.signal.aborted) stop();
  });
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', own);
      process.off('SIGTERM', own);
      process.off(PASSED, passed);
      untie();
    },
  };
}

/** A command whose launcher was killed would go on with nobody to end it. The channel to it keeps no command from its end. */
function tie(onGone: () => void): () => void {
  const isTied = process.env['PANDO_TIED'] !== undefined;
  // What this process starts is its own.
  delete process.env['PANDO_TIED'];
  if (!isTied) return () => undefined;
  if (!process.connected) onGone();
  process.on('disconnect', onGone);
  process.channel?.unref();
  return () => process.off('disconnect', onGone);
}
