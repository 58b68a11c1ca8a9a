/** Columns under their headings; `left` names those that hold text. Rendered for people, never parsed. */
export async function renderTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  left: readonly string[] = [],
): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const none = Object.fromEntries(EDGES.map((edge) => [edge, '']));
  const table = new Table({
    chars: { ...none, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    head: [...headings],
    colAligns: headings.map((heading) => (left.includes(heading) ? 'left' : 'right')),
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const EDGES =
  'top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right left left-mid mid mid-mid right right-mid'.split(
    ' ',
  );
