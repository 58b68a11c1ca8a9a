import type { ObjectContent } from '../domain/object/version.ts';
import type { Attributes, Head } from '../ports/storage.ts';

/** What a version says of an object: its bytes, and what belongs to them. A link is a store's matter and no part of a version. */
export function makeContent({
  size,
  sha256,
  md5,
  attributes,
}: {
  readonly size: number;
  readonly sha256: string | undefined;
  readonly md5?: string | undefined;
  readonly attributes: Attributes;
}): ObjectContent {
  const { contentType, metadata, modifiedNs, mode } = attributes;
  const content: { -readonly [K in keyof ObjectContent]: ObjectContent[K] } = { kind: 'object', size, sha256 };
  if (contentType !== undefined) content.contentType = contentType;
  if (metadata !== undefined) content.metadata = metadata;
  if (modifiedNs !== undefined) content.modifiedNs = modifiedNs;
  if (mode !== undefined) content.mode = mode;
  if (md5 !== undefined) content.md5 = md5;
  return content;
}

/** The same, from what a store says. Bytes that carry no time of their own have the store's. */
export function contentOf({ size, attributes, modifiedNs }: Head, sha256: string | undefined): ObjectContent {
  const isTimed = attributes.modifiedNs !== undefined || modifiedNs === undefined;
  return makeContent({ size, sha256, attributes: isTimed ? attributes : { ...attributes, modifiedNs } });
}

/** What is written to a store along with a version's bytes. */
export function attributesOf(content: ObjectContent): Attributes {
  const { kind: _, size: __, sha256: ___, md5: ____, ...attributes } = content;
  return attributes;
}
