// Runs on any Node from 18 on.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Becomes, as far as a parent can, the command it starts: same terminal, same signals, same end. Sets `process.exitCode`, or dies
 * of the signal the command died of. `passedAs`: the signal by which the command is told of ours; one that was sent to the whole group
 * reaches it twice, and so it can tell. Such a command also has a channel to us, by which it hears that we are gone: of SIGKILL nobody
 * can tell it.
 */
export function handOver(command, args, { passedAs, ...options } = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, {
      stdio: 'inherit',
      ...options,
      ...(passedAs === undefined ? {} : tied(options)),
    });
    let passed;
    const passOn = (signal) => {
      passed = signal;
      child.kill(passedAs ?? signal);
    };
    // A terminal sends Ctrl-C to the whole group: passed on as well, it would count as pressed twice.
    const onInterrupt = process.stdin.isTTY || process.stderr.isTTY ? () => {} : passOn;
    const handlers = { SIGINT: onInterrupt, SIGTERM: passOn, SIGHUP: passOn };
    for (const signal of Object.keys(handlers)) process.on(signal, handlers[signal]);

    const end = (code) => {
      for (const signal of Object.keys(handlers)) process.off(signal, handlers[signal]);
      process.exitCode = code;
      done(code);
    };
    child.once('error', (error) => {
      process.stderr.write(`${command}: cannot be started: ${error.message}\n`);
      end(127);
    });
    child.once('exit', (code, died) => {
      // It had not begun to listen.
      const signal = died !== null && died === passedAs ? passed : died;
      end(signal === null ? code : 128 + constants.signals[signal]);
      if (signal !== null) process.kill(process.pid, signal);
    });
  });
}

/** The variable says what the channel is for: whoever else starts a command with one may mean to go before it does. */
function tied({ env = process.env }) {
  return { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env: { ...env, PANDO_TIED: '1' } };
}
