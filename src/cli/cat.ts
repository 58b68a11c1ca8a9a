import { InvalidArgumentError, Option } from 'commander';
import type { Consistency } from '../engine/locate-object.ts';
import type { ByteRange } from '../domain/transfer/byte-range.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';
import { ObjectClients } from './object-client.ts';

interface CatOptions {
  readonly range?: ByteRange;
  readonly consistency?: Consistency;
}

export const cat: CommandModule = {
  declare(command, act) {
    command
      .argument('<objects...>', 'profile:name, pando://, s3://, file:// or a path')
      .option('--range <bytes>', '100-199, 100- or -100 (the last 100)', parseRange)
      .addOption(consistencyOption())
      .action(
        act<[string[]], CatOptions>(async (cli, [written], { range, consistency }) => {
          await using clients = new ObjectClients(cli);
          let exitCode: ExitCode = EXIT.done;
          for (const one of written) {
            let isBlank = true;
            const { client, name } = await clients.find(one);
            const stream = client.readStream(name, {
              ...(range === undefined ? {} : { range }),
              ...(consistency === undefined ? {} : { consistency }),
              signal: cli.signal,
            });
            for await (const chunk of stream as AsyncIterable<Uint8Array>) {
              isBlank &&= chunk.length === 0;
              await cli.output.write(chunk);
              if (cli.output.isClosed) return EXIT.done;
            }
            if (range === undefined || !isBlank) continue;
            cli.output.complain(`${one}: it has no byte in that range`);
            exitCode = EXIT.failed;
          }
          return exitCode;
        }),
      );
  },
};

export function consistencyOption(): Option {
  return new Option('--consistency <which>', 'which version will do; by default as the profile says').choices([
    'validated',
    'current',
    'any',
  ]);
}

function parseRange(text: string): ByteRange {
  const [, start = '', end = ''] = /^(\d*)-(\d*)$/.exec(text) ?? [];
  if (start === '' && end !== '') return { suffix: Number(end) };
  if (start !== '' && (end === '' || Number(end) >= Number(start)))
    return end === '' ? { start: Number(start) } : { start: Number(start), end: Number(end) };
  throw new InvalidArgumentError('Write first-last, first- or -count, in bytes from 0.');
}
