import { spawn } from 'node:child_process';
import type { Command } from './contestant.ts';

const outputCharactersMax = 64 * 1024 * 1024;

/** Runs a command to its end; resolves to what it wrote to stdout, rejects with what it complained about. */
export function runCommand({ program, args, env }: Command): Promise<string> {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...plainEnvironment(), ...env } });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        if (said[name].length < outputCharactersMax) said[name] += text;
      });
    }
    child.once('error', failed);
    child.once('close', (code, signal) => {
      if (code === 0) done(said.stdout);
      else failed(new Error(`${program} ${args[0] ?? ''}: exit ${code ?? signal}: ${said.stderr.trim().slice(-500)}`));
    });
  });
}

/** Without what the user has set for AWS or rclone, which would reach only some of those compared. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:AWS|RCLONE)_/.test(name)));
}
