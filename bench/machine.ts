import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
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
  /** One core, MB/s: some have instructions for it and some have not, which is a factor of four, and only Pando reads by it. */
  readonly sha256: number;
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
    sha256: measureSha256(),
    versions: [
      `pando ${ownVersion()}`,
      `node ${process.version}`,
      firstLine('rclone', ['version']),
      firstLine('rsync', ['--version']).replace(/ +protocol.*/, ''),
      firstLine('cp', ['--version']),
    ],
  };
}

function measureSha256(): number {
  const bytes = Buffer.alloc(2 ** 26);
  const beganMs = performance.now();
  createHash('sha256').update(bytes).digest();
  return Math.round(bytes.length / (performance.now() - beganMs) / 1000);
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
