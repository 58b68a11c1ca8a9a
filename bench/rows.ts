import type { Contestant } from './contestant.ts';
import type { Dataset } from './dataset.ts';
import { pando, pandoAudit, pandoAuditChecksum, pandoRelaxed, pandoToS3 } from './pando.ts';
import {
  cp,
  cpAndSync,
  rcloneCheck,
  rcloneCheckSizes,
  rcloneToS3With,
  rcloneWith,
  rsync,
  rsyncFsync,
} from './peers.ts';

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly dataset: Dataset;
  readonly target: 'directory' | 'two directories' | 'bucket';
  /** The targets hold everything before the first round, and each round finds nothing to do. */
  readonly isRepeated: boolean;
  readonly contestants: readonly Contestant[];
  readonly goals: readonly Goal[];
}

/** How many times as fast as the best of `against`. */
export interface Goal {
  readonly of: Contestant;
  readonly against: readonly Contestant[];
  readonly atLeast?: number;
  readonly reachFor?: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** In this order, so that rows that make many files run before anything is deleted: ext4 avoids inodes freed in the last 35 s. */
export function makeRows(concurrency: number): readonly Row[] {
  const rclones = [rcloneWith(undefined), rcloneWith(concurrency)];
  const rclonesToS3 = [rcloneToS3With(undefined), rcloneToS3With(concurrency)];
  const toS3 = pandoToS3(concurrency);
  const toDirectory = [pando, pandoRelaxed, ...rclones, cp, cpAndSync, rsync, rsyncFsync];
  const s3 = {
    target: 'bucket',
    isRepeated: false,
    contestants: [toS3, ...rclonesToS3],
    goals: [{ of: toS3, against: rclonesToS3, atLeast: 1, reachFor: 1.3 }],
  } as const;

  const audit = {
    dataset: { files: 20_000, fileBytes: 4 * KiB },
    target: 'directory',
    isRepeated: true,
  } as const;

  return [
    {
      name: 'small',
      title: 'to one directory',
      dataset: { files: 20_000, fileBytes: 4 * KiB },
      target: 'directory',
      isRepeated: false,
      contestants: toDirectory,
      goals: [
        { of: pando, against: rclones, atLeast: 1.1 },
        { of: pando, against: [rsyncFsync], atLeast: 3.5 },
        { of: pando, against: [cpAndSync], reachFor: 0.8 },
        { of: pandoRelaxed, against: rclones, atLeast: 1.7 },
        { of: pandoRelaxed, against: [cp], reachFor: 0.9 },
      ],
    },
    {
      name: 'two',
      title: 'to two directories (the others run twice)',
      dataset: { files: 20_000, fileBytes: 4 * KiB },
      target: 'two directories',
      isRepeated: false,
      contestants: [pando, ...rclones, cpAndSync],
      goals: [{ of: pando, against: rclones, atLeast: 1.6, reachFor: 2.5 }],
    },
    {
      name: 'nochange',
      title: 'to one directory that has everything; both sides listed and stat’ed',
      dataset: { files: 100_000, fileBytes: 100 },
      target: 'directory',
      isRepeated: true,
      contestants: [pando, ...rclones, rsync],
      goals: [
        { of: pando, against: rclones, atLeast: 1.2, reachFor: 1.6 },
        { of: pando, against: [rsync], atLeast: 0.8 },
      ],
    },
    {
      ...audit,
      name: 'audit',
      title: 'at a store, listed and compared',
      contestants: [pandoAudit, rcloneCheckSizes],
      goals: [{ of: pandoAudit, against: [rcloneCheckSizes], reachFor: 1 }],
    },
    {
      ...audit,
      name: 'audit-bytes',
      title: 'at a store, all bytes read',
      contestants: [pandoAuditChecksum, rcloneCheck],
      goals: [{ of: pandoAuditChecksum, against: [rcloneCheck], reachFor: 1 }],
    },
    { ...s3, name: 's3-small', title: 'to S3 (RGW)', dataset: { files: 1_000, fileBytes: 4 * KiB } },
    { ...s3, name: 's3-large', title: 'to S3 (RGW)', dataset: { files: 8, fileBytes: 64 * MiB } },
    {
      name: 'medium',
      title: 'to one directory',
      dataset: { files: 1_000, fileBytes: MiB },
      target: 'directory',
      isRepeated: false,
      contestants: toDirectory,
      goals: [
        { of: pando, against: rclones, atLeast: 1 },
        { of: pando, against: [cpAndSync], reachFor: 0.9 },
        { of: pandoRelaxed, against: rclones, atLeast: 1.8, reachFor: 3 },
      ],
    },
    {
      name: 'large',
      title: 'to one directory',
      dataset: { files: 2, fileBytes: 1024 * MiB },
      target: 'directory',
      isRepeated: false,
      contestants: [pando, ...rclones, cp, cpAndSync, rsync, rsyncFsync],
      goals: [
        { of: pando, against: rclones, atLeast: 1.8 },
        { of: pando, against: [cpAndSync], reachFor: 0.8 },
      ],
    },
  ];
}
