import { formatObjectName } from '../domain/object/object-name.ts';
import { escapeKey } from '../domain/object/key.ts';
import { declareScope, type NameOptions, scopeOf } from './catalog-names.ts';
import { describeEarlier } from './describe-earlier.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';
import { renderTable } from './table.ts';

export const resolve: CommandModule = {
  declare(command, act) {
    declareScope(command)
      .argument('<object>', 'scope:name')
      .action(
        act<[string], NameOptions>(async (cli, [written], options) => {
          const { resolve: run } = await import('../client/explain.ts');
          const { replicas, passedOver, version, newer, ...name } = await run(
            await cli.pando(),
            written,
            scopeOf(options),
          );
          for (const { store, why } of passedOver) cli.output.note(`not at ${store}: ${why}`);
          if (newer !== undefined) cli.output.note(describeEarlier(version, newer));
          if (cli.globals.json === true)
            cli.output.printJson({ object: formatObjectName(name), version, newer, replicas, passedOver });
          else if (replicas.length > 0) {
            const rows = replicas.flatMap(({ store, site, distance, urls }) =>
              urls.map(({ protocol, url }, at) => [
                at === 0 ? store : '',
                at === 0 ? (site ?? '') : '',
                at === 0 ? (distance ?? '') : '',
                protocol,
                url,
              ]),
            );
            const headings = ['copy at', 'site', 'distance', 'protocol', 'URL'];
            cli.output.print(await renderTable(headings, rows, ['copy at', 'site', 'protocol', 'URL']));
          } else cli.output.complain(`no good copy of ${escapeKey(formatObjectName(name))} can be had here now`);
          return replicas.length > 0 ? EXIT.done : EXIT.unavailable;
        }),
      );
  },
};
