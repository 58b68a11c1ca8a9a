import { Argument, type Command } from 'commander';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

export const completion: CommandModule = {
  declare(command, act) {
    command
      .addArgument(new Argument('<shell>', 'which one').choices(SHELLS))
      .addHelpText('after', HOW)
      .action(
        act<[Shell]>(async (cli, [shell]) => {
          cli.output.print(SCRIPTS[shell](collectWords(command.parent ?? command)));
          return EXIT.done;
        }),
      );
  },
};

const HOW = `
  bash: eval "$(pando completion bash)"          in ~/.bashrc
  zsh:  eval "$(pando completion zsh)"           in ~/.zshrc, after compinit
  fish: pando completion fish > ~/.config/fish/completions/pando.fish`;

/** What can follow: by command ('' is none yet, 'config show' one of a command of commands). */
interface Words {
  readonly command: string;
  readonly summary: string;
  readonly next: readonly string[];
}

function collectWords(program: Command): Words[] {
  const globals = program.options.flatMap(({ long }) => long ?? []);
  const visit = (command: Command, path: string): Words[] => [
    {
      command: path,
      summary: command.summary() || command.description(),
      next: [
        ...command.commands.map((one) => one.name()),
        ...command.options.filter(({ hidden }) => !hidden).flatMap(({ long }) => long ?? []),
        ...(path === '' ? [] : globals),
      ],
    },
    ...command.commands.flatMap((one) => visit(one, `${path} ${one.name()}`.trim())),
  ];
  return visit(program, '');
}

/** For bash and zsh alike: which command the words before the cursor have led to. */
function commandCases(words: readonly Words[]): string {
  return words
    .filter(({ command }) => command !== '')
    .map(({ command }) => `      "${command.includes(' ') ? command : ` ${command}`}") command="${command}" ;;`)
    .join('\n');
}

const SCRIPTS: Readonly<Record<Shell, (words: readonly Words[]) => string>> = {
  bash: (words) => `# pando completion for bash
_pando() {
  local current="\${COMP_WORDS[COMP_CWORD]}" command="" word next
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command $word" in
${commandCases(words)}
    esac
  done
  case "$command" in
${words.map(({ command, next }) => `    "${command}") next="${next.join(' ')}" ;;`).join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "$current"))
  [[ \${#COMPREPLY[@]} -eq 0 && "$current" != -* ]] && COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _pando pando`,
  zsh: (words) => `#compdef pando
# pando completion for zsh
_pando() {
  local command="" word
  local -a next
  for word in "\${words[@]:1:$((CURRENT - 2))}"; do
    case "$command $word" in
${commandCases(words)}
    esac
  done
  case "$command" in
${words.map(({ command, next }) => `    "${command}") next=(${next.join(' ')}) ;;`).join('\n')}
  esac
  compadd -a next
  [[ "$PREFIX" != -* ]] && _files
}
compdef _pando pando`,
  fish: (words) =>
    [
      '# pando completion for fish',
      ...words
        .filter(({ command }) => command !== '' && !command.includes(' '))
        .map(
          ({ command, summary }) =>
            `complete -c pando -n __fish_use_subcommand -a ${command} -d '${summary.replaceAll("'", "\\'")}'`,
        ),
      ...words.flatMap(({ command, next }) =>
        next
          .filter((word) => word.startsWith('--'))
          .map((word) => {
            const seen =
              command === '' ? '__fish_use_subcommand' : `'__fish_seen_subcommand_from ${command.split(' ')[0]}'`;
            return `complete -c pando -n ${seen} -l ${word.slice(2)}`;
          }),
      ),
      ...words
        .filter(({ command }) => command.includes(' '))
        .map(({ command }) => {
          const [first = '', second = ''] = command.split(' ');
          return `complete -c pando -n '__fish_seen_subcommand_from ${first}' -a ${second}`;
        }),
    ].join('\n'),
};
