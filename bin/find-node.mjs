// Runs on any Node from 18 on.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const nodeMajorMin = 24;

/** Whether a version such as `24.21.0` or `v24.21.0` can run Pando. */
export function isNewEnough(version) {
  return Number.parseInt(version.replace(/^v/, ''), 10) >= nodeMajorMin;
}

/** A Node that can run Pando, out of the `node_modules` of `directory` or of a directory above it; undefined if none starts. */
export function findNode(directory) {
  for (let at = directory; ; at = dirname(at)) {
    for (const candidate of ['.bin/node', 'node/bin/node']) {
      const path = join(at, 'node_modules', candidate);
      if (existsSync(path) && canRun(path)) return path;
    }
    if (dirname(at) === at) return undefined;
  }
}

/** A package of another platform or libc is there but does not start, so the only proof is its own answer. */
function canRun(path) {
  const answer = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return answer.status === 0 && isNewEnough(answer.stdout.trim());
}
