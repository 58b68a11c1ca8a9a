import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly fileSystem: string;
  /** Of the last minute, before the bench: a busy machine shows here. */
  readonly load: number;
  readonly versions: readonly string[];
}

export function describeMachine(directory: string): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${process.platform} ${release()}`,
    fileSystem: firstLine('findmnt', ['-n', '-o', 'FSTYPE,SOURCE,OPTIONS', '-T', directory]).replaceAll(/ +/g, ' '),
    load: loadavg()[0] ?? Number.NaN,
    versions: [
      `pando ${ownVersion()}`,
      `node ${process.version}`,
      firstLine('rclone', ['version']),
      firstLine('rsync', ['--version']).replace(/ +protocol.*/, ''),
      firstLine('cp', ['--version']),
    ],
  };
}

function ownVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function firstLine(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8' }).split('\n')[0] ?? '';
  } catch {
    return `${program}: not available`;
  }
}
