import { type CheckedPolicy, checkReplicationPolicy, checkReplicationPolicyText } from '../client/check-policy.ts';
import type { Invocation } from './invocation.ts';
import { readText } from './name-lists.ts';

/** An object's policy from a file, or with `-` from standard input. */
export async function readSaidPolicy(cli: Invocation, file: string): Promise<CheckedPolicy> {
  const configuration = await cli.configuration();
  return file === '-'
    ? checkReplicationPolicyText(configuration, readText(file), 'standard input')
    : checkReplicationPolicy(configuration, file);
}
