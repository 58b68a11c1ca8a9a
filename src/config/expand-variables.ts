import type { ConfigurationPath, Finding } from './problem.ts';
import type { Surroundings } from './surroundings.ts';

const REFERENCE = /\$\$|\$\{([^}]*)\}?/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface Expansion {
  readonly value: unknown;
  readonly findings: readonly Finding[];
}

/**
 * `${VAR}` in every text becomes the variable's value, `$$` becomes `$`; a lone `$` stays. It happens after the file was parsed,
 * so no value can add structure, and once, so no value is expanded again. What could not be expanded stays as it was written.
 */
export function expandVariables(value: unknown, environment: Surroundings['environment']): Expansion {
  const findings: Finding[] = [];

  function expand(inner: unknown, path: ConfigurationPath): unknown {
    if (typeof inner === 'string') return expandText(inner, path);
    if (Array.isArray(inner)) return inner.map((item, i) => expand(item, [...path, i]));
    if (typeof inner !== 'object' || inner === null) return inner;
    const expanded: Record<string, unknown> = Object.create(null);
    for (const [key, item] of Object.entries(inner)) expanded[key] = expand(item, [...path, key]);
    return expanded;
  }

  function expandText(text: string, path: ConfigurationPath): string {
    return text.replace(REFERENCE, (written: string, name: string | undefined) => {
      if (written === '$$') return '$';
      if (name === undefined || !written.endsWith('}') || !NAME.test(name)) {
        const remedy = 'write ${NAME} with letters, digits and _, or $$ for a dollar sign';
        findings.push({ path, message: 'has ${ that does not begin the name of a variable', remedy });
        return written;
      }
      const found = Object.hasOwn(environment, name) ? environment[name] : undefined;
      if (found !== undefined) return found;
      const remedy = `set it before you start Pando (export ${name}=…), or write $$\{${name}} if the text is meant`;
      findings.push({ path, message: `needs the environment variable ${name}, which is not set`, remedy });
      return written;
    });
  }

  return { value: expand(value, []), findings };
}

/** Text as a file must have it to be read back as it is. */
export function escapeDollars(text: string): string {
  return text.replaceAll('$', '$$$$');
}
