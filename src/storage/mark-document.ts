import { hash } from 'node:crypto';
import type { Attributes, Mark, Token } from '../ports/storage.ts';

/**
 * What a store without metadata of its own keeps of an object, as JSON in `.pando/meta/<sha256 of key>`: its mark, and the
 * attributes nothing else there keeps (docs/stores.md, "Marks"). It names the token of the bytes it belongs to, so that it never
 * passes to others: of any other token it says nothing.
 */
export interface MarkDocument {
  readonly mark: Mark;
  readonly attributes: Attributes;
}

/** What is longer was not written by us: user metadata is far smaller everywhere. */
export const MARK_DOCUMENT_BYTES_MAX = 1024 * 1024;

export const NO_MARK: { readonly mark: undefined; readonly attributes: Attributes } = {
  mark: undefined,
  attributes: {},
};

/** Below `.pando/`. */
export function markDocumentName(key: string): string {
  return `meta/${hash('sha256', key)}`;
}

export function formatMark(key: string, token: Token, { mark, attributes }: MarkDocument): string {
  const { modifiedNs, ...plain } = attributes;
  const time = modifiedNs === undefined ? {} : { modifiedNs: modifiedNs.toString() };
  return JSON.stringify({ key, token, ...mark, ...plain, ...time });
}

/** Of a text that is not a mark of this key and token, nothing. */
export function parseMark(text: string, key: string, token: Token): MarkDocument | typeof NO_MARK {
  const told = readObject(text);
  if (told?.['key'] !== key || told['token'] !== token || typeof told['operation'] !== 'string') return NO_MARK;
  const { operation, sha256, contentType, metadata, modifiedNs, mode } = told;
  return {
    mark: { operation, sha256: typeof sha256 === 'string' ? sha256 : undefined },
    attributes: {
      ...(typeof contentType === 'string' ? { contentType } : {}),
      ...(isTexts(metadata) ? { metadata } : {}),
      ...(typeof modifiedNs === 'string' && /^-?\d{1,20}$/.test(modifiedNs) ? { modifiedNs: BigInt(modifiedNs) } : {}),
      ...(typeof mode === 'number' ? { mode } : {}),
    },
  };
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isTexts(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' && value !== null && Object.values(value).every((entry) => typeof entry === 'string')
  );
}
