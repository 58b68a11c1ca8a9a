import type { AttributeValue, StoreAttributes } from './store-expression.ts';

/** What a store says of itself under a key. Its own name is true, whatever its attributes say. */
export function readAttribute(store: StoreAttributes, key: string): AttributeValue | undefined {
  return key === store.name ? true : store.attributes.get(key);
}

/** The text that `=` compares: `True` and true are one value, 10 and `010` are two. */
export function textOf(value: AttributeValue): string {
  const text = String(value);
  return /^(?:true|false)$/i.test(text) ? text.toLowerCase() : text;
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** The number that `<` and `>` compare, or undefined where there is none: booleans are no numbers. */
export function numberOf(value: AttributeValue): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return undefined;
  // 1_000, as other systems' expressions write it.
  const digits = value.replaceAll(/(?<=\d)_(?=\d)/g, '');
  if (NUMBER.test(digits)) return Number(digits);
  const infinite = INFINITE.exec(value);
  if (infinite === null) return undefined;
  return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
