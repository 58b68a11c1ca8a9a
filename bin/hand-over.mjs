// Runs on any Node from 18 on.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Becomes, as far as a parent can, the command it starts: same terminal, same signals, same end. Sets `process.exitCode`, or dies
 * of the signal the command died of.
 */
export function handOver(command, args, options = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    const passOn = (signal) => child.kill(signal);
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
    child.once('exit', (code, signal) => {
      end(signal === null ? code : 128 + constants.signals[signal]);
      if (signal !== null) process.kill(process.pid, signal);
    });
  });
}
