import { stringify } from 'yaml';
import { escapeDollars } from './expand-variables.ts';

/** One text as a YAML value on one line, quoted where YAML needs it, that the loader reads back as it is. */
export function yamlText(text: string): string {
  return stringify(escapeDollars(text), {
    lineWidth: 0,
    blockQuote: false,
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  }).trimEnd();
}

/** Plain data as YAML; texts are written as they are, so that `${VAR}` stays a reference. */
export function yamlBlock(value: unknown): string {
  return stringify(value, { lineWidth: 0, blockQuote: false, aliasDuplicateObjects: false });
}
