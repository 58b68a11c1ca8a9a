import type { Command } from 'commander';
import { makeProgram } from '../../src/cli/program.ts';

/** docs/cli.md: what is true of all commands, then every command as commander knows it. */
export async function renderReference(): Promise<string> {
  const program = await makeProgram(new Set(['completion']), {
    args: [],
    signal: new AbortController().signal,
    onEnd: () => undefined,
  });
  const commands = program.commands.flatMap((command) => (command.commands.length > 0 ? command.commands : [command]));
  return (
    [INTRODUCTION, renderOptions(program, 'Global options', '##'), '## Commands', ...commands.map(renderCommand)].join(
      '\n\n',
    ) + '\n'
  );
}

function renderCommand(command: Command): string {
  const name = [command.parent?.parent == null ? '' : `${command.parent.name()} `, command.name()].join('');
  const usage = `pando ${name} ${command.usage()}`;
  const rows = command.registeredArguments.map((argument) => [
    argument.required
      ? `<${argument.name()}${argument.variadic ? '...' : ''}>`
      : `[${argument.name()}${argument.variadic ? '...' : ''}]`,
    argument.description,
  ]);
  return [
    `### pando ${name}`,
    `${capitalise(command.description().replace(/\.$/, ''))}.`,
    '```\n' + usage + '\n```',
    table(rows),
    renderOptions(command),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function renderOptions(command: Command, title = '', level = ''): string {
  const rows = command.options
    .filter(({ hidden, long }) => !hidden && long !== '--help')
    .map(({ flags, description, argChoices, defaultValue, defaultValueDescription }) => [
      flags,
      [
        description,
        argChoices === undefined ? '' : `: ${argChoices.map((choice) => `\`${choice}\``).join(', ')}`,
        typeof defaultValue === 'string' || (typeof defaultValue === 'number' && defaultValue > 0)
          ? ` (default: ${defaultValueDescription ?? String(defaultValue)})`
          : '',
      ].join(''),
    ]);
  if (rows.length === 0) return '';
  return title === '' ? table(rows) : `${level} ${title}\n\nUnderstood before and after the command.\n\n${table(rows)}`;
}

function table(rows: readonly (readonly (string | undefined)[])[]): string {
  if (rows.length === 0) return '';
  const lines = rows.map(
    ([left = '', right = '']) => `| \`${left.replaceAll('|', '\\|')}\` | ${right.replaceAll('|', '\\|')} |`,
  );
  return ['| | |', '|---|---|', ...lines].join('\n');
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const INTRODUCTION = `# Command line

<!-- Written by the test test/cli/reference.test.ts from the commands themselves: npx vitest run test/cli/reference -u -->

\`pando COMMAND --help\` shows the same. How a sync compares, filters and deletes is in [sync.md](sync.md), how a read chooses in
[reading.md](reading.md), the configuration in [configuration.md](configuration.md).

## Naming things

| written | means |
|---|---|
| \`pando://profile/dir/name\`, \`profile:dir/name\` | the object \`dir/name\` of a profile; \`msc://\` is the same as \`pando://\` |
| \`profile\` | the whole of it; refused where a local path has the same name, because a guess could sync or delete the wrong one |
| \`./path\`, \`/path\`, \`~/path\`, \`file:///path\` | a local directory or file |
| \`s3://bucket/prefix\` | a bucket, with the AWS environment's credentials |

\`object\`, \`dataset\`, \`container\`, \`rule\`, \`policy\`, \`explain\`, \`resolve\` and \`replica\` take names of the catalog: \`scope:name\`, or \`name\` in the scope \`user.<account>\` of the
operating system's user ([collections](collections.md)).

A path or URL that is the place of a profile is that profile; any other is a profile of its own for the time being, and its copies
are known to the catalog too ([in full](configuration.md#what-an-argument-names)).

## Output

Results go to stdout, everything said about them to stderr. Nothing but the result is told unless something is wrong.
With \`--json\` the result is one JSON document with names in camelCase (\`ls\`, \`object ls\`, \`show --members\`, \`events\`,
\`request ls\`, \`conflict ls\` and \`peer dead-letters\`, which have no end: one document a line, and none where there is nothing). Sizes are in bytes, times in ISO 8601 or, where the name ends in \`Ms\`, milliseconds since 1970. A reader of stdout
that goes away (\`pando ls … | head\`) is no error. No secret is ever shown.

\`-v\` tells on stderr what is decided: the stores that are opened, leases taken and lost, listings read to their end, each page
that is recorded, targets given up, what the guard of deletes said, each time a store is asked once more, each source of a read
that failed and was passed over, each request that has to be tried again. \`-vv\` adds a line for each object: planned, copied,
failed, read again by \`verify\`, read from which store and which were passed over why; and of an error where it came from. A line is
\`pando: LEVEL: MESSAGE name=value …\`; with \`--log-format json\` it is one JSON document. A terminal gets these lines in place of the bar.

Progress is drawn on stderr where that is a terminal; \`--progress\` writes a line every two seconds where it is not. It moves within
large objects too; what was moved of an object that fails in the end is taken off again.

Ctrl-C or SIGTERM once: what is under way is finished or undone, the process ends with 130, and the same command goes on from there. Twice: it
ends at once; that loses nothing either, but leaves more to be looked at again.

## Exit codes

| | |
|---|---|
| 0 | everything that was asked is done and verified |
| 1 | something failed; it is listed |
| 2 | usage or configuration: nothing was done |
| 3 | not found |
| 4 | unavailable: it may work later |
| 5 | refused by a guard: \`--max-delete\`, another sync of the same target, a condition that does not hold, a file or a collection in the way, a rule that is locked or says the same as another, something that is for administrators |
| 130 | interrupted |

## Environment

| | |
|---|---|
| \`PANDO_CONFIG\` | the configuration file, unless \`--config\` names one |
| \`PANDO_CATALOG\` | the catalog: \`sqlite:PATH\` or \`postgres://…\` |
| \`PANDO_DATA\` | the directory of the embedded catalog, unless \`--data\` names one |
| \`PANDO_SERVER\` | [the server](server.md#commands) that carries commands out, unless \`--server\` names one |
| \`PANDO_TOKEN\` | what it knows you by |
| \`NO_COLOR\` | no colours |`;
