import { formatBytesRoughly } from '../config/quantity.ts';
import type { Consistency } from '../engine/locate-object.ts';
import type { ObjectInfo } from '../engine/inspect-object.ts';
import { consistencyOption } from './cat.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { ObjectClients } from './object-client.ts';
import type { Output } from './output.ts';
import { renderTable } from './table.ts';

interface ReplicaShown {
  readonly store: string;
  readonly state: string;
  readonly verification: string;
  /** Not durable yet. */
  readonly isSoft: boolean;
  readonly isCurrent: boolean;
}

export const stat: CommandModule = {
  declare(command, act) {
    command
      .argument('<object>', 'profile:name, pando://, s3://, file:// or a path')
      .addOption(consistencyOption())
      .action(
        act<[string], { readonly consistency?: Consistency }>(async (cli, [written], { consistency }) => {
          await using clients = new ObjectClients(cli);
          const { client, name } = await clients.find(written);
          const info = await client.info(name, {
            ...(consistency === undefined ? {} : { consistency }),
            signal: cli.signal,
          });
          const replicas = await listReplicas(cli, info);
          if (cli.globals.json === true) cli.output.printJson({ ...describe(info), replicas });
          else await show(cli, info, replicas);
          return EXIT.done;
        }),
      );
  },
};

async function listReplicas(cli: Invocation, { scope, name }: ObjectInfo): Promise<ReplicaShown[]> {
  const catalog = await (await cli.pando()).catalog();
  const row = await catalog.readObject(scope, name);
  return (row?.replicas ?? []).map(({ store, state, soft, verification, versionId }) => ({
    store,
    state,
    verification,
    isSoft: soft === true,
    isCurrent: versionId === row?.current.id,
  }));
}

function describe({ scope, name, version, content, servedBy, isUnvalidated }: ObjectInfo) {
  const { size, sha256, contentType, metadata, modifiedNs } = content;
  const modified = modifiedNs === undefined ? undefined : new Date(Number(modifiedNs / 1_000_000n)).toISOString();
  return {
    object: `${scope}:${name}`,
    version,
    size,
    sha256,
    modified,
    contentType,
    metadata,
    servedBy,
    isUnvalidated,
  };
}

async function show({ output, names }: Invocation, info: ObjectInfo, replicas: readonly ReplicaShown[]): Promise<void> {
  showFacts(output, { ...describe(info), object: names.call(info.scope, info.name) });
  output.print('');
  const table = replicas.map(({ store, state, isSoft, verification, isCurrent }) => [
    store,
    isSoft ? `${state} (soft)` : state,
    verification,
    isCurrent ? 'current' : 'older',
  ]);
  output.print(
    await renderTable(['replica at', 'state', 'verified', 'version'], table, [
      'replica at',
      'state',
      'verified',
      'version',
    ]),
  );
}

/** `servedBy` is told where it is known. */
type Facts = Omit<ReturnType<typeof describe>, 'contentType' | 'servedBy'> & {
  readonly contentType: string | undefined;
  readonly servedBy?: string;
};

export function showFacts(output: Output, { metadata, isUnvalidated, size, ...facts }: Facts): void {
  const rows = Object.entries({ ...facts, size: `${size} (${formatBytesRoughly(size)})` });
  for (const [label, value] of rows) if (value !== undefined) output.print(`${LABEL[label] ?? label}: ${value}`);
  for (const [key, value] of Object.entries(metadata ?? {})) output.print(`metadata ${key}: ${value}`);
  if (isUnvalidated) output.print('Nobody could say whether this is the current version.');
}

const LABEL: Readonly<Record<string, string>> = { contentType: 'content type', servedBy: 'served by' };
