/**
 * Words before a command in which calls of the system fail, each as `strace -e inject=` has it. It stops at these alone: at all the
 * others, hundreds for each, it would take longer than the command.
 */
export function injecting(calls: readonly string[], more: readonly string[] = []): string[] {
  const names = calls.map((call) => call.slice(0, call.indexOf(':')));
  const injected = calls.flatMap((call) => ['-e', `inject=${call}`]);
  // Of a process that it kills by the way strace does not let go then.
  const alone = calls.some((call) => call.includes('signal='))
    ? []
    : ['--seccomp-bpf', '-e', `trace=${names.join(',')}`];
  return ['strace', '-f', ...alone, '-qq', '-o', '/dev/null', ...more, ...injected];
}
