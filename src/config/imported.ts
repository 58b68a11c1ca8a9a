import { formatBytes } from './quantity.ts';
import { yamlBlock } from './yaml-text.ts';

/** What an import makes: a configuration, and what a person must know or do before it works. */
export interface Imported {
  readonly yaml: string;
  readonly notes: readonly string[];
}

/** A profile on its way into a file. Texts are as the file has them: `${VAR}` is a reference, `$$` a dollar sign. */
export interface ImportedProfile {
  readonly storage_provider: {
    readonly type: 'file' | 's3' | 'webdav' | 'sftp';
    readonly options: Readonly<Record<string, unknown>>;
  };
  readonly credentials_provider?:
    | { readonly type: string; readonly options: Readonly<Record<string, unknown>> }
    | undefined;
  readonly replicas?: readonly { readonly replica_profile: string; readonly read_priority: unknown }[] | undefined;
  readonly retry?: Readonly<Record<string, unknown>> | undefined;
}

export function renderImported(origin: string, profiles: ReadonlyMap<string, ImportedProfile>): string {
  const header = `# Imported from ${origin}. Secrets are environment variables; check with: pando config check\n`;
  return `${header}${yamlBlock({ profiles: Object.fromEntries(profiles) })}`;
}

/** Gives names to the variables that take the place of secrets, and notes where each value was. */
export class SecretVariables {
  readonly notes: string[] = [];
  readonly #names = new Set<string>();

  /** A reference to the variable that now holds the secret; `where` says where the user finds its value. */
  replace(profile: string, suffix: string, where: string): string {
    const stem = `${profile}_${suffix}`.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
    const base = /^\d/.test(stem) ? `_${stem}` : stem;
    let name = base;
    for (let n = 2; this.#names.has(name); n++) name = `${base}_${n}`;
    this.#names.add(name);
    this.notes.push(`set the environment variable ${name} to ${where}`);
    return `\${${name}}`;
  }
}

/** A size as the file has it, or undefined and a note where S3 does not allow it. */
export function importPartSize(bytes: number, what: string, notes: string[]): string | undefined {
  const [min, max] = [5 * 1024 ** 2, 5 * 1024 ** 3];
  if (bytes >= min && bytes <= max) return formatBytes(bytes);
  notes.push(`${what} of ${formatBytes(bytes)} is left out: S3 allows 5MiB to 5GiB`);
  return undefined;
}
