import { defineConfig } from 'vitest/config';

const soak = process.env['PANDO_SOAK'] === '1';
const minute = 60_000;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/servers/shared-servers.ts'],
    setupFiles: ['test/property-seed.ts', 'test/bundled-threads.ts'],
    // Processes, not threads: tests load native code, start worker threads of their own and are killed with their children.
    pool: 'forks',
    // One more than the cores of a small machine: some tests mostly wait.
    maxWorkers: 3,
    // A slow machine is no fault.
    testTimeout: soak ? 60 * minute : 2 * minute,
    hookTimeout: soak ? 5 * minute : 2 * minute,
    teardownTimeout: minute / 2,
  },
});
