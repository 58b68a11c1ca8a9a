/** What to do about failures, by their kind; a line each, and none where nothing can be said that the failure itself does not say. */
export function adviseOnFailures(kinds: Iterable<string>): readonly string[] {
  const advice = new Set<string>();
  for (const kind of kinds) if (Object.hasOwn(ADVICE, kind)) advice.add(ADVICE[kind] as string);
  return [...advice];
}

const AGAIN = 'Stores that did not answer: run the same command again when they do; it goes on from here.';
const BUSY = 'What changed meanwhile: run again when nobody writes to it any more.';
const ROOM = 'No room: make some at the target and run again; only the rest is copied.';

const ADVICE: Readonly<Record<string, string>> = {
  symlink:
    'Links that cannot be followed: take them as links with --symlinks preserve, or leave links out with --symlinks skip.',
  'not-utf8':
    "Names that are not UTF-8: rename them, or leave them out as they are shown, each \\ doubled: --exclude 'name\\\\xff'.",
  'special-file': 'Pipes, sockets and devices are not copied: leave them out with --exclude.',
  'invalid-key': 'Names that no object can have, or the target cannot: rename them, or leave them out with --exclude.',
  denied:
    'What was denied: let this user read it at the source and write it at the target, or leave it out with --exclude.',
  'read-only': 'Read-only: mount the file system for writing.',
  corrupt: 'Bytes that are wrong at the source are not spread: pando verify says which copies are right.',
  full: ROOM,
  changed: BUSY,
  'precondition-failed': BUSY,
  blocked:
    'In the way at the target lies what the source has not: if it is a link of a sync with --symlinks preserve, say that again; else pando sync with --delete-unmatched-files takes it away, --dry-run beside it shows what goes.',
  unavailable: AGAIN,
  timeout: AGAIN,
  throttled: AGAIN,
};
