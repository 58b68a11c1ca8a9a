import { basename } from 'node:path';
import type { Attributes } from '../ports/storage.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';
import { ObjectClients } from './object-client.ts';
import { reportWritten } from './report-written.ts';

export const cp: CommandModule = {
  declare(command, act) {
    command
      .argument('<from>', 'profile:name, pando://, s3://, file:// or a path')
      .argument('<to>', 'the same; one that ends with / keeps the last part of the name')
      .option('--if-absent', 'only if there is no such object yet')
      .option('--wait', 'until the replicas have it too')
      .action(
        act<[string, string], { readonly ifAbsent?: boolean; readonly wait?: boolean }>(
          async (cli, [writtenFrom, writtenTo], { ifAbsent, wait = false }) => {
            await using clients = new ObjectClients(cli);
            const from = await clients.find(writtenFrom);
            const to = await clients.find(writtenTo, { allowEmpty: true });
            const name = to.name === '' || to.name.endsWith('/') ? `${to.name}${basename(from.name)}` : to.name;
            const how = { ...(ifAbsent === undefined ? {} : { ifAbsent }), signal: cli.signal };
            if (from.client === to.client) {
              const result = await from.client.copy(from.name, name, how);
              return (await reportWritten(cli, to.client, { name, result, wait })) ?? EXIT.done;
            }
            const { content } = await from.client.info(from.name, { signal: cli.signal });
            const { contentType, metadata }: Attributes = content;
            const result = await to.client.write(name, from.client.readStream(from.name, { signal: cli.signal }), {
              ...(contentType === undefined ? {} : { contentType }),
              ...(metadata === undefined ? {} : { metadata }),
              ...how,
            });
            return (await reportWritten(cli, to.client, { name, result, wait })) ?? EXIT.done;
          },
        ),
      );
  },
};
