#!/usr/bin/env node
// The launcher runs on any Node from 18 on; Pando itself needs 24. An older Node hands over to one found in node_modules.
import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (Number.parseInt(process.versions.node, 10) >= 24) {
  const { enableCompileCache } = await import('node:module');
  const { directory } = enableCompileCache();
  // Threads and processes of its own have the cache only where they are told of it.
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE ??= directory;
  const { findMain } = await import('./find-main.mjs');
  const { main } = await import(pathToFileURL(findMain(root)));
  process.exitCode = await main(process.argv.slice(2));
} else {
  const { findNode } = await import('./find-node.mjs');
  const node = findNode(root);
  if (node === undefined) {
    process.stderr.write(
      `pando: needs Node 24 or newer, this is ${process.versions.node}: install it, or run "npm start" in a checkout, which brings its own\n`,
    );
    process.exitCode = 2;
  } else {
    const { handOver } = await import('./hand-over.mjs');
    // As src/cli/interrupt.ts hears it.
    await handOver(node, process.argv.slice(1), { passedAs: 'SIGUSR2' });
  }
}
