// Lets a program that imports the published package run on the sources of this checkout, or on what the run has bundled of them.
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const programs = process.env.PANDO_TEST_PROGRAMS;
const entry =
  programs === undefined
    ? new URL('../../src/index.ts', import.meta.url).href
    : pathToFileURL(join(programs, 'index.js')).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'pando-replica' ? { url: entry, shortCircuit: true } : next(specifier, context),
});
