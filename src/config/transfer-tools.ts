import { findScopeProblem } from '../domain/object/scope.ts';
import { selectStores } from '../domain/store/expression/select-stores.ts';
import type { Profile, TransferToolSettings } from './configuration.ts';
import { isOpenToAll } from './open-to-all.ts';
import type { ConfigurationPath, Finding } from './problem.ts';
import { fitName } from './profile-name.ts';
import { readTransferTool, type TransferToolInput } from './schema.ts';
import { resolvePath, type Surroundings } from './surroundings.ts';
import { describeForExpressions } from './tools-at-stores.ts';

/** Of URLs that FTS servers in the field can use. */
const SCHEMES = ['https', 'davs', 'http', 'dav', 's3s', 's3', 'root', 'xroot', 'gsiftp', 'srm'];
/** Transfers between sites take minutes, and each answer of the server costs it a query. */
const POLL_MS_DEFAULT = 5_000;
const BATCH_DEFAULT = 200;
const DEADLINE_MS_DEFAULT = 30_000;
/** The tools Pando brings by itself. */
const RESERVED = new Set(['local', 'upload']);

/** The section `transfer_tools`, with what is wrong with it. */
export function readTransferTools(
  input: unknown,
  {
    profiles,
    ...context
  }: Surroundings & { readonly base: string; readonly profiles: Readonly<Record<string, Profile>> },
): { readonly value: readonly TransferToolSettings[]; readonly findings: readonly Finding[] } {
  if (input === undefined) return { value: [], findings: [] };
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    const message = 'must be a section with a key for each tool';
    return { value: [], findings: [{ path: [SECTION], message, remedy: 'write "name:" below it, indented' }] };
  }
  const value: TransferToolSettings[] = [];
  const findings: Finding[] = [];
  for (const [name, raw] of Object.entries(input)) {
    const path = [SECTION, name];
    findings.push(...checkName(name, path));
    const read = readTransferTool(raw, path);
    findings.push(...read.findings);
    if (read.value === undefined) continue;
    findings.push(...checkTool(read.value, path, profiles));
    value.push(makeSettings(name, read.value, context));
  }
  return { value, findings };
}

const SECTION = 'transfer_tools';

function checkName(name: string, path: ConfigurationPath): Finding[] {
  if (RESERVED.has(name)) {
    const message = 'cannot be the name of a tool: Pando has one of that name';
    return [{ path, at: 'key', message, remedy: 'call it otherwise' }];
  }
  const problem = findScopeProblem(name);
  if (problem === undefined) return [];
  const message = `cannot be the name of a tool: it ${problem}`;
  return [{ path, at: 'key', message, remedy: `call it ${fitName(name)}, for example` }];
}

function checkTool(
  { token, token_file: file, from, to, endpoint }: TransferToolInput,
  path: ConfigurationPath,
  profiles: Readonly<Record<string, Profile>>,
): Finding[] {
  const findings: Finding[] = [];
  if (token !== undefined && file !== undefined) {
    const message = 'says again what token says';
    findings.push({ path: [...path, 'token_file'], at: 'key', message, remedy: 'keep one of the two' });
  }
  if ((token !== undefined || file !== undefined) && isOpenToAll(endpoint)) {
    const message = 'is not encrypted, and the token would be for all to read';
    findings.push({ path: [...path, 'endpoint'], message, remedy: 'write https://…' });
  }
  for (const [key, expression] of Object.entries({ from, to }))
    if (expression !== undefined) findings.push(...checkExpression(expression, [...path, key], profiles));
  return findings;
}

function checkExpression(
  expression: string,
  path: ConfigurationPath,
  profiles: Readonly<Record<string, Profile>>,
): Finding[] {
  const selection = selectStores(expression, describeForExpressions(profiles));
  if (selection.kind === 'not-understood') {
    const { message, remedy } = selection.problem;
    return [{ path, message: `is not understood: ${message}`, remedy }];
  }
  if (selection.kind === 'selected') return [];
  const remedy = `name profiles (${Object.keys(profiles).join(', ')}), or attributes that they have`;
  return [{ path, message: 'means none of the profiles', remedy }];
}

function makeSettings(
  name: string,
  said: TransferToolInput,
  context: Surroundings & { readonly base: string },
): TransferToolSettings {
  const { token, token_file: file } = said;
  return {
    name,
    type: said.type,
    endpoint: said.endpoint,
    token:
      file === undefined
        ? token === undefined
          ? { kind: 'none' }
          : { kind: 'text', text: token }
        : { kind: 'file', path: resolvePath(file, context.base, context.home) },
    vo: said.vo,
    from: said.from ?? '*',
    to: said.to ?? '*',
    activities: said.activities,
    schemes: said.schemes ?? SCHEMES,
    pollMs: said.poll ?? POLL_MS_DEFAULT,
    batchMax: said.batch ?? BATCH_DEFAULT,
    deadlineMs: said.deadline ?? DEADLINE_MS_DEFAULT,
  };
}
