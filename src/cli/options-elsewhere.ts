const DELETES = 'Did you mean --delete-unmatched-files?';
const WHOLE = 'A sync takes directories whole, with times, without it';

/** Options of rsync and rclone, and what does the same in `pando sync`. */
export const OPTIONS_ELSEWHERE: Readonly<Record<string, string>> = {
  '--delete': DELETES,
  '--del': DELETES,
  '--delete-before': DELETES,
  '--delete-during': DELETES,
  '--delete-after': DELETES,
  '--bwlimit': 'Did you mean --bandwidth?',
  '--checksum': 'Did you mean --compare checksum?',
  '-c': 'Did you mean --compare checksum?',
  '--max-age': 'Did you mean --newer-than?',
  '--exclude-from': 'Did you mean --filter-from?',
  '--include-from': 'Did you mean --filter-from?',
  '--links': 'Did you mean --symlinks preserve?',
  '-l': 'Did you mean --symlinks preserve?',
  '--copy-links': 'Links are followed without it: see --symlinks',
  '-L': 'Links are followed without it: see --symlinks',
  '--archive': WHOLE,
  '-a': WHOLE,
  '-av': `${WHOLE}: write -v`,
  '--recursive': WHOLE,
  '-r': WHOLE,
  '--times': WHOLE,
  '-t': WHOLE,
};
