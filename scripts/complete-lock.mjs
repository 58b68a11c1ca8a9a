// Runs after each `npm install` (npm run lock). A registry may lack a package's build for some platform; `npm install` then leaves
// that optional dependency out of the lock, and `npm ci` refuses a lock that does not name it. So each missing one is named, for a
// platform that does not exist: nobody installs it.
import { readFileSync, writeFileSync } from 'node:fs';

const file = process.argv[2] ?? 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8'));
const missing = missingOptional(lock.packages);

for (const { name, range, dev } of missing) {
  lock.packages[`node_modules/${name}`] = {
    version: lowestVersion(range),
    cpu: ['none'],
    ...(dev ? { dev: true } : {}),
    optional: true,
    os: ['none'],
  };
}
const sorted = Object.keys(lock.packages).sort();
lock.packages = Object.fromEntries(sorted.map((path) => [path, lock.packages[path]]));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(
  `${file}: ${missing.length} optional packages that the registry lacks are named for no platform\n`,
);

function missingOptional(packages) {
  return Object.keys(packages).flatMap((path) =>
    Object.entries(packages[path].optionalDependencies ?? {})
      .filter(([name]) => !resolutions(path, name).some((place) => place in packages))
      .map(([name, range]) => ({ name, range, dev: packages[path].dev === true })),
  );
}

/** Where a package at `path` finds its dependency: its own node_modules, then those above it. */
function resolutions(path, name) {
  const parts = path === '' ? [] : path.split('/');
  const places = [];
  for (let length = parts.length; length >= 0; length--) {
    if (parts[length - 1] !== 'node_modules') places.push([...parts.slice(0, length), 'node_modules', name].join('/'));
  }
  return places;
}

function lowestVersion(range) {
  const found = /\d+\.\d+\.\d+[^\s|]*/.exec(range);
  return found === null ? '0.0.0' : found[0];
}
