import { basename } from 'node:path';
import { takeName } from './profile-name.ts';
import { yamlText } from './yaml-text.ts';

/**
 * The `pando.yaml` that `pando init [DIR…]` writes: the first directory is the source, the others are its replicas. Without
 * any it is an example in `./data`. Relative directories are relative to where the file is written.
 * Names to be avoided are the catalog's for other sources.
 */
export function renderTemplate(directories: readonly string[], avoided: Iterable<string> = []): string {
  const taken = new Set(avoided);
  const paths = directories.length > 0 ? directories : ['./data'];
  const [source, ...replicas] = paths.map((path) => ({ path, name: takeName(basename(path), taken) }));
  if (source === undefined) return HEADER;
  return [HEADER, renderSource(source, replicas), ...replicas.map(renderStore), FOOTER].join('\n');
}

interface NamedDirectory {
  readonly name: string;
  readonly path: string;
}

function renderSource(source: NamedDirectory, replicas: readonly NamedDirectory[]): string {
  const store = renderStore(source);
  if (replicas.length === 0) return `${store}${REPLICAS_EXAMPLE}`;
  const entries = replicas.map(
    ({ name }, i) => `      - replica_profile: ${yamlText(name)}\n        read_priority: ${i + 1}\n`,
  );
  return `${store}    # Reads try the lowest number first and fall back to the others, then to the source.\n    replicas:\n${entries.join('')}`;
}

function renderStore({ name, path }: NamedDirectory): string {
  return `  ${yamlText(name)}:
    storage_provider:
      type: file
      options:
        base_path: ${yamlText(path)}
`;
}

const HEADER = `# What Pando keeps, and where. Reference: docs/configuration.md. Check it with: pando config check
#
# \${NAME} is replaced by the environment variable NAME; write $$ for a dollar sign.
# Sizes: 4096, 10k, 16MiB.  Durations: 500ms, 5m, 2h; a bare number is seconds.

# Where Pando remembers what is where. Losing it loses no data. Several machines share one on PostgreSQL.
# catalog: sqlite:/var/lib/pando/catalog.sqlite
# catalog: postgres://pando:\${PANDO_DB_PASSWORD}@db.example.com/pando

profiles:`;

const REPLICAS_EXAMPLE = `    # Copies of it. Each is a profile of its own; reads try the lowest number first.
    # replicas:
    #   - replica_profile: a-second-place
    #     read_priority: 1
`;

const FOOTER = `  # A store in S3, at Amazon or anywhere else. Without credentials_provider, the AWS environment,
  # shared files and roles are used.
  # bucket:
  #   storage_provider:
  #     type: s3
  #     options:
  #       base_path: my-bucket/some/prefix
  #       region: eu-west-1
  #       endpoint_url: https://s3.example.com
  #   credentials_provider:
  #     type: S3Credentials
  #     options:
  #       access_key: \${S3_ACCESS_KEY}
  #       secret_key: \${S3_SECRET_KEY}

  # What a profile may say besides, with the defaults:
  #   consistency: validated   # current: ask the source first; any: whatever is there
  #   source_changes: internal # external: others write to the source behind Pando's back
  #   durability: strict       # relaxed: copies are flushed later
  #   deadline: 30s            # for one attempt
  #   retry: { attempts: 5, delay: 200ms }
  #   concurrency: 16          # requests to the store at once
  #   bandwidth: 100MB/s
  #   bandwidth_from: { far: 10MB/s }
`;
