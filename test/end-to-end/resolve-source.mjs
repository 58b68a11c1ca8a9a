// Lets a program that imports the published package run on the sources of this checkout.
import { registerHooks } from 'node:module';

const entry = new URL('../../src/index.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'pando-replica' ? { url: entry, shortCircuit: true } : next(specifier, context),
});
