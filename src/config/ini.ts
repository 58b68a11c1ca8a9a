/** Sections of an INI file in their order: `[name]`, then `key = value`. Lines that begin with # or ; are comments. */
export function parseIni(text: string): Map<string, Map<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith(';')) continue;
    const name = /^\[(.+)\]$/.exec(trimmed)?.[1];
    if (name !== undefined) {
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      continue;
    }
    const equals = trimmed.indexOf('=');
    if (equals > 0) section?.set(trimmed.slice(0, equals).trim(), trimmed.slice(equals + 1).trim());
  }
  return sections;
}
