import { existsSync, readFileSync } from 'node:fs';

/** Of the package this code belongs to: in a checkout it lies two directories below its root, as published in one file one. */
export function version(): string {
  for (const path of ['../package.json', '../../package.json']) {
    const file = new URL(path, import.meta.url);
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
  }
  throw new Error('package.json is not where it was installed');
}
