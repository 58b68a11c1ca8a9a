/**
 * Sizes, durations and percentages as people write them (docs/configuration.md, "Quantities"). Each `parse` takes what a file,
 * a flag or the environment gives and returns the value or the reason it is none, which completes the sentence "… is not a
 * size: "; each `format` returns text that `parse` reads back.
 */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

const DECIMAL = /^(\d{1,30})(?:\.(\d{1,30}))?$/;
const SIZE = /^([\d.]+)\s*([A-Za-z]*)$/;
const SIZE_UNIT = /^(?:([kmgtp])(i?)b?|b)$/;
const DURATION_PART = /([\d.]+)\s*(ms|s|m|h|d)/g;
const DURATION = /^(?:[\d.]+\s*(?:ms|s|m|h|d)\s*)+$/;

const MS_PER = { d: 86_400_000n, h: 3_600_000n, m: 60_000n, s: 1000n, ms: 1n } as const;
const DECIMAL_UNITS = ['PB', 'TB', 'GB', 'MB', 'kB'] as const;
const BINARY_UNITS = ['PiB', 'TiB', 'GiB', 'MiB', 'KiB'] as const;

/** Bytes of `4096`, `10k`, `1.5 MB`, `16MiB`. Units of 1000 unless they have an `i`. */
export function parseBytes(input: unknown): Parsed<number> {
  if (typeof input === 'number') return wholeNumber(input, 'bytes');
  if (typeof input !== 'string') return { problem: 'it is neither a number nor text' };
  const text = input.trim();
  if (text.startsWith('-')) return { problem: 'it is negative' };
  const match = SIZE.exec(text);
  if (match === null) return { problem: 'write a number of bytes, or a number with a unit such as 10M, 1TB or 16MiB' };
  const factor = sizeFactor((match[2] ?? '').toLowerCase());
  if (factor === undefined) return { problem: `it has no unit Pando knows (k M G T P, KiB MiB GiB TiB PiB)` };
  return scale(match[1] ?? '', factor, 'bytes');
}

/** Bytes per second of `100M`, `12.5MB/s`: a size, with or without `/s`. */
export function parseRate(input: unknown): Parsed<number> {
  const parsed = parseBytes(typeof input === 'string' ? input.trim().replace(/\s*\/s$/, '') : input);
  if ('problem' in parsed || parsed.value > 0) return parsed;
  return { problem: 'it is 0, and nothing would ever move' };
}

/** Milliseconds of `500ms`, `1s`, `5m`, `2h`, `7d`, `1h30m`; a bare number is seconds. */
export function parseDuration(input: unknown): Parsed<number> {
  if (typeof input === 'number') {
    if (!Number.isFinite(input)) return { problem: 'it is not a finite number' };
    return parseDuration(decimalText(input));
  }
  if (typeof input !== 'string') return { problem: 'it is neither a number nor text' };
  const text = input.trim();
  if (text.startsWith('-')) return { problem: 'it is negative' };
  if (DECIMAL.test(text)) return scale(text, MS_PER.s, 'milliseconds');
  if (!DURATION.test(text)) return { problem: 'write seconds, or a number with a unit: 500ms, 1s, 5m, 2h, 7d' };
  let sum = 0;
  for (const [, digits, unit] of text.matchAll(DURATION_PART)) {
    const part = scale(digits ?? '', MS_PER[unit as keyof typeof MS_PER], 'milliseconds');
    if ('problem' in part) return part;
    sum += part.value;
  }
  return wholeNumber(sum, 'milliseconds');
}

/** The number before the sign of `50%`, between 0 and 100. */
export function parsePercentage(input: unknown): Parsed<number> {
  const digits = typeof input === 'string' ? /^(.*?)\s*%$/.exec(input.trim())?.[1] : undefined;
  if (digits === undefined) return { problem: 'write a number followed by %, such as 50%' };
  if (!DECIMAL.test(digits)) return { problem: 'what stands before % is not a number of 0 or more' };
  const value = Number(digits);
  return value <= 100 ? { value } : { problem: 'it is more than 100%' };
}

/** Exactly these bytes, in the largest unit that divides them: `64MiB`, `10MB`, `1234`. */
export function formatBytes(bytes: number): string {
  const written = (
    [
      [BINARY_UNITS, 1024],
      [DECIMAL_UNITS, 1000],
    ] as const
  ).flatMap(([units, base]) => {
    const at = units.findIndex((_, i) => bytes !== 0 && bytes % base ** (units.length - i) === 0);
    return at < 0 ? [] : [`${bytes / base ** (units.length - at)}${units[at]}`];
  });
  // 10GB is 9765625KiB, too.
  return written.toSorted((a, b) => a.length - b.length)[0] ?? String(bytes);
}

/** About so many bytes, for people, to three digits at most in units of 1000: `1.5 GB`, `12 kB`, `999 B`. */
export function formatBytesRoughly(bytes: number): string {
  for (const [i, unit] of DECIMAL_UNITS.entries()) {
    const amount = bytes / 1000 ** (DECIMAL_UNITS.length - i);
    if (amount >= 0.9995) return `${Number(amount.toPrecision(amount >= 1000 ? 4 : 3))} ${unit}`;
  }
  return `${bytes} B`;
}

/** Exactly these milliseconds: `1h30m`, `500ms`, `0s`. */
export function formatDuration(durationMs: number): string {
  let rest = durationMs;
  let text = '';
  for (const [unit, factor] of Object.entries(MS_PER)) {
    const amount = Math.floor(rest / Number(factor));
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * Number(factor);
  }
  return text === '' ? '0s' : text;
}

export function formatPercentage(percent: number): string {
  return `${decimalText(percent)}%`;
}

function sizeFactor(unit: string): bigint | undefined {
  if (unit === '') return 1n;
  const match = SIZE_UNIT.exec(unit);
  if (match === null) return undefined;
  if (match[1] === undefined) return 1n;
  return (match[2] === 'i' ? 1024n : 1000n) ** BigInt('kmgtp'.indexOf(match[1]) + 1);
}

/** In whole numbers, so that 0.1 of a unit is exact. */
function scale(digits: string, factor: bigint, unit: string): Parsed<number> {
  const match = DECIMAL.exec(digits);
  if (match === null) return { problem: 'its digits are not a number' };
  const fraction = match[2] ?? '';
  const divisor = 10n ** BigInt(fraction.length);
  const scaled = BigInt(`${match[1]}${fraction}`) * factor;
  if (scaled % divisor !== 0n) return { problem: `it is not a whole number of ${unit}` };
  return wholeNumber(Number(scaled / divisor), unit);
}

function wholeNumber(value: number, unit: string): Parsed<number> {
  if (value < 0) return { problem: 'it is negative' };
  if (value > Number.MAX_SAFE_INTEGER) return { problem: `it is more than ${Number.MAX_SAFE_INTEGER} ${unit}` };
  return Number.isInteger(value) ? { value } : { problem: `it is not a whole number of ${unit}` };
}

/** A number in digits, without an exponent. */
function decimalText(value: number): string {
  const text = String(value);
  return text.includes('e') ? value.toFixed(20).replace(/\.?0+$/, '') : text;
}
