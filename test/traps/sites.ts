import type { Trap } from './trap.ts';

const RESTARTS = ['test/server/restarts.test.ts'];
const COMMANDS = ['test/server/commands.test.ts'];
const NAMES_NOTHING = 'names nothing of the machine it runs on';

/** What sites owe each other, and what a server owes the machine it runs on. */
export const SITE_TRAPS: readonly Trap[] = [
  {
    name: 'a site that was only started again is compared',
    row: 'I8',
    file: 'src/engine/sites/say-hello.ts',
    find: 'before !== undefined && receipt >= before',
    replace: 'before !== undefined && receipt > before',
    tests: RESTARTS,
    only: 'has what it had, and is not compared',
  },
  {
    name: 'a site that has lost what it answered is not compared',
    row: 'I2',
    file: 'src/engine/sites/say-hello.ts',
    find: 'before !== undefined && receipt >= before',
    replace: 'before !== undefined',
    tests: RESTARTS,
    only: 'with an older copy of its catalog is compared',
  },
  {
    name: 'who hears that a site has begun anew waits before it says hello',
    row: 'I8',
    file: 'src/engine/sites/peer-stream.ts',
    find: "error.kind === 'stale' && (session.hasSent || !wasStale)",
    replace: 'false',
    tests: ['test/server/sync-mode.test.ts'],
    only: 'hears of an answer that came to another process',
  },
  {
    name: 'a read is given up where all copies have other tokens than were recorded',
    row: 'I3',
    file: 'src/engine/read-object.ts',
    find: 'let hasLooked = false;',
    replace: 'let hasLooked = true;',
    tests: RESTARTS,
    only: 'serves each object at its first read',
  },
  {
    name: 'peers are told of what a profile has',
    row: 'I8',
    file: 'src/catalog/sites/own-scopes.ts',
    find: ".where('source', '=', NO_SOURCE)",
    replace: '',
    tests: ['test/server/profile-scopes.test.ts'],
    only: 'is told to nobody',
  },
  {
    name: 'what a peer writes becomes part of a profile',
    row: 'I5',
    file: 'src/catalog/sites/apply-entries.ts',
    find: 'this.#ofProfiles.has(scope) ? REFUSED :',
    replace: '',
    tests: ['test/server/profile-scopes.test.ts'],
    only: 'takes nothing that a peer has written',
  },
  {
    name: 'a command of somebody elsewhere names directories of the machine',
    row: 'I10',
    file: 'src/config/resolve-target.ts',
    find: 'if (isAtServer(surroundings) &&',
    replace: 'if (!surroundings &&',
    tests: COMMANDS,
    only: NAMES_NOTHING,
  },
  {
    name: 'a command of somebody elsewhere opens files of the machine',
    row: 'I10',
    file: 'src/cli/demand-own-file.ts',
    find: 'if (!isAtServer(currentSurroundings())) return;',
    replace: 'if (currentSurroundings() !== undefined) return;',
    tests: COMMANDS,
    only: NAMES_NOTHING,
  },
  {
    name: 'a command takes bytes that broke off on their way for all there are',
    row: 'I1',
    file: 'src/cli/run-commands.ts',
    find: "child.kill('SIGINT');",
    replace: 'child.stdin.end();',
    tests: COMMANDS,
    only: 'takes what broke off for nothing',
  },
  {
    name: 'a command of somebody elsewhere brings its own configuration',
    row: 'I10',
    file: 'src/cli/run-commands.ts',
    find: '--(?:config|data|server)',
    replace: '--(?:server)',
    tests: COMMANDS,
    only: NAMES_NOTHING,
  },
];
