/** One program of a comparison, with its settings: what it is asked to do is data, so that it can be timed, printed and profiled. */
export interface Contestant {
  readonly name: string;
  /** What is on the disk when it ends, and what it compared: a ratio means little without. */
  readonly durable: string;
  readonly verified: string;
  commands(task: Task): readonly Command[];
  /** Throws if the program says that it did not do the job. `output` is what its commands wrote to stdout. */
  check?(task: Task, output: string): void;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Task {
  readonly source: string;
  /** Directories, or `bucket/prefix` where `s3` is set. */
  readonly targets: readonly string[];
  /** A directory for what the program keeps between runs: new for each task, except where a run is repeated. */
  readonly state: string;
  readonly files: number;
  /** Whether the targets hold everything already. */
  readonly isRepeated: boolean;
  readonly s3?: S3Access;
}

export interface S3Access {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export function singleTarget(task: Task): string {
  const [target, ...others] = task.targets;
  if (target === undefined || others.length > 0) throw new Error(`one target expected, not ${task.targets.length}`);
  return target;
}
