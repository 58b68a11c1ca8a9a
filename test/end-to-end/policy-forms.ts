/** An object's policy. What is undefined is not written at all. */
export interface ObjectWords {
  readonly allowed?: boolean;
  readonly number?: number;
  readonly preferred?: readonly string[];
  readonly blocked?: readonly string[];
}

/** What a store accepts. */
export interface StoreWords {
  readonly replicate?: boolean;
  readonly maxObjectSize?: number;
  readonly spaceAllocated?: number;
  readonly allowedNode?: readonly string[];
  readonly allowedObjectFormat?: readonly string[];
}

/** One way to write policies down. */
export interface PolicyForm {
  objectPolicy(words: ObjectWords): string;
  /** The value of `accepts`, as lines to be put below a profile. */
  accepts(words: StoreWords): string;
}

export const FORMS: Readonly<Record<'YAML' | 'XML', PolicyForm>> = {
  YAML: {
    objectPolicy: ({ allowed, number, preferred, blocked }) =>
      yaml({
        replication_allowed: allowed,
        number_replicas: number,
        preferred_member_node: preferred,
        blocked_member_node: blocked,
      }).join('\n') || '{}',
    accepts: ({ replicate, maxObjectSize, spaceAllocated, allowedNode, allowedObjectFormat }) => {
      const lines = yaml({
        replicate,
        max_object_size: maxObjectSize,
        space_allocated: spaceAllocated,
        allowed_node: allowedNode,
        allowed_object_format: allowedObjectFormat,
      });
      return lines.length === 0 ? 'accepts: {}' : ['accepts:', ...lines.map((line) => `  ${line}`)].join('\n');
    },
  },
  XML: {
    objectPolicy: ({ allowed, number, preferred, blocked }) =>
      [
        `<replicationPolicy${attribute('replicationAllowed', allowed)}${attribute('numberReplicas', number)}>`,
        ...elements('preferredMemberNode', preferred),
        ...elements('blockedMemberNode', blocked),
        '</replicationPolicy>',
      ].join('\n'),
    accepts: ({ replicate, maxObjectSize, spaceAllocated, allowedNode, allowedObjectFormat }) =>
      [
        'accepts: |',
        `  <nodeReplicationPolicy${attribute('replicate', replicate)}>`,
        ...elements('maxObjectSize', maxObjectSize),
        ...elements('spaceAllocated', spaceAllocated),
        ...elements('allowedNode', allowedNode),
        ...elements('allowedObjectFormat', allowedObjectFormat),
        '  </nodeReplicationPolicy>',
      ].join('\n'),
  },
};

/** JSON is YAML too. */
function yaml(keys: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(keys).flatMap(([key, value]) =>
    value === undefined ? [] : `${key}: ${JSON.stringify(value)}`,
  );
}

function attribute(name: string, value: boolean | number | undefined): string {
  return value === undefined ? '' : ` ${name}="${value}"`;
}

/** Of an empty list there is none. */
function elements(name: string, values: number | readonly string[] | undefined): string[] {
  const all = typeof values === 'object' ? values : values === undefined ? [] : [String(values)];
  return all.map((value) => `      <${name}>${value}</${name}>`);
}
