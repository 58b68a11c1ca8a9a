import { type ActivityShare, OTHER_ACTIVITIES } from '../domain/transfer/transfer-limits.ts';
import type { Finding } from './problem.ts';
import type { SectionRead } from './section.ts';

const WEIGHT_MAX = 1_000_000;
const EXAMPLE = 'write them like {production: 70%, default: 30%} or {production: 7, default: 3}';

interface Share extends ActivityShare {
  readonly isPercent: boolean;
}

/** Shares of activities: all of them in percent, which make 100, or all as weights; one of them is everybody else's. */
export function readActivities(input: unknown): SectionRead<readonly ActivityShare[]> {
  if (input === undefined) return { value: undefined, findings: [] };
  const path = ['activities'];
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return {
      value: undefined,
      findings: [{ path, message: 'must be a section with a share for each', remedy: EXAMPLE }],
    };
  }
  const findings: Finding[] = [];
  const shares: Share[] = [];
  for (const [activity, said] of Object.entries(input)) {
    const share = readShare(said);
    if (share === undefined) {
      const message = `must be a whole number from 1 to ${WEIGHT_MAX}, or a percentage`;
      findings.push({ path: [...path, activity], message, remedy: EXAMPLE });
    } else shares.push({ activity, ...share });
  }
  if (findings.length === 0) findings.push(...checkTogether(shares));
  const value = shares.map(({ activity, weight }) => ({ activity, weight }));
  return { value: findings.length === 0 ? value : undefined, findings };
}

function readShare(said: unknown): Omit<Share, 'activity'> | undefined {
  const [, digits, percent] = /^(\d{1,7}(?:\.\d{1,3})?)\s*(%?)$/.exec(String(said).trim()) ?? [];
  const weight = Number(digits);
  const isPercent = percent === '%';
  const isRight = isPercent ? weight <= 100 : Number.isInteger(weight) && weight <= WEIGHT_MAX;
  return isRight && weight > 0 ? { weight, isPercent } : undefined;
}

function checkTogether(shares: readonly Share[]): readonly Finding[] {
  const path = ['activities'];
  if (shares.every(({ activity }) => activity !== OTHER_ACTIVITIES)) {
    const message = `has no share for ${OTHER_ACTIVITIES}: all activities that are not named here`;
    return [{ path, message, remedy: `add ${OTHER_ACTIVITIES}, with the share that is left for them` }];
  }
  const percents = shares.filter(({ isPercent }) => isPercent);
  if (percents.length === 0) return [];
  if (percents.length < shares.length) {
    const message = 'has percentages and weights, which cannot be compared';
    return [{ path, message, remedy: 'write all of them in percent, or none' }];
  }
  const sum = Math.round(shares.reduce((total, { weight }) => total + weight, 0) * 1000) / 1000;
  if (sum === 100) return [];
  return [
    { path, message: `makes ${sum}% in all, and not 100%`, remedy: 'change one of the shares, or write weights' },
  ];
}
