import { type Command, type Contestant, type S3Access, singleTarget, type Task } from './contestant.ts';

const NOT_DURABLE = 'no: in the page cache';
const SYNCED = 'yes: one flush of the file system at the end';

export const cp: Contestant = {
  name: 'cp -r',
  durable: NOT_DURABLE,
  verified: 'nothing',
  commands: ({ source, targets }) => targets.map((target) => copyTree(source, target)),
};

export const cpAndSync: Contestant = {
  name: 'cp -r, then sync -f',
  durable: SYNCED,
  verified: 'nothing',
  commands: ({ source, targets }) => [
    ...targets.map((target) => copyTree(source, target)),
    ...targets.map((target) => ({ program: 'sync', args: ['-f', target] })),
  ],
};

export const rsync = rsyncWith('rsync -a', [], NOT_DURABLE);
export const rsyncFsync = rsyncWith('rsync -a --fsync', ['--fsync'], 'yes: each file is flushed; directories are not');

function rsyncWith(name: string, options: readonly string[], durable: string): Contestant {
  return {
    name,
    durable,
    verified: 'what was sent (checksum of the stream)',
    commands: ({ source, targets }) =>
      targets.map((target) => ({ program: 'rsync', args: ['-a', ...options, `${source}/`, `${target}/`] })),
  };
}

/** rclone as it comes, and with as many files at a time as Pando. */
export function rcloneWith(concurrency: number | undefined): Contestant {
  const options = concurrency === undefined ? [] : ['--transfers', `${concurrency}`, '--checkers', `${concurrency}`];
  return {
    name: ['rclone copy', ...(concurrency === undefined ? [] : [`--transfers ${concurrency}`])].join(' '),
    durable: NOT_DURABLE,
    verified: 'read back: MD5 of source and copy',
    commands: ({ source, targets }) => targets.map((target) => rclone(['copy', ...options, source, target])),
  };
}

/** Compares a copy with its source: it keeps no record of either. */
export const rcloneCheckSizes = rcloneCheckWith('rclone check --size-only', ['--size-only'], 'names and sizes');
export const rcloneCheck = rcloneCheckWith('rclone check', [], 'MD5 of source and copy');

function rcloneCheckWith(name: string, options: readonly string[], verified: string): Contestant {
  return {
    name,
    durable: 'nothing is written',
    verified,
    commands: ({ source, targets, isRepeated }) =>
      targets.map((target) => rclone(isRepeated ? ['check', ...options, source, target] : ['copy', source, target])),
  };
}

export function rcloneToS3With(concurrency: number | undefined): Contestant {
  return {
    ...rcloneWith(concurrency),
    durable: 'as the server answers',
    verified: 'by the server: MD5 of each request',
    commands: (task) =>
      rcloneWith(concurrency)
        .commands({ ...task, targets: [`bench:${singleTarget(task)}`] })
        .map((command) => ({ ...command, env: { ...command.env, ...rcloneRemote(task) } })),
  };
}

/** Names and sizes below `bucket/prefix`, as rclone lists them. */
export function listWithRclone(s3: S3Access, place: string): Command {
  const options = ['-R', '--files-only', '--format', 'sp', '--separator', ' '];
  return { ...rclone(['lsf', ...options, `bench:${place}`]), env: remote(s3) };
}

/** Makes the bucket too. */
export function uploadWithRclone(s3: S3Access, file: string, place: string): Command {
  return { ...rclone(['copyto', file, `bench:${place}`]), env: remote(s3) };
}

function rclone(args: readonly string[]): Command {
  // An empty file instead of what the user keeps in ~/.config.
  return { program: 'rclone', args: ['--config', '/dev/null', '--quiet', ...args] };
}

function rcloneRemote({ s3 }: Task): Record<string, string> {
  if (s3 === undefined) throw new Error('no S3 server in this task');
  return remote(s3);
}

function remote(s3: S3Access): Record<string, string> {
  return {
    RCLONE_CONFIG_BENCH_TYPE: 's3',
    RCLONE_CONFIG_BENCH_PROVIDER: 'Ceph',
    RCLONE_CONFIG_BENCH_ENDPOINT: s3.endpoint,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: s3.accessKey,
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: s3.secretKey,
  };
}

function copyTree(source: string, target: string): Command {
  return { program: 'cp', args: ['-r', source, target] };
}
