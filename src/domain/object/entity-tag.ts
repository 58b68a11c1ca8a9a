import type { ObjectContent } from './version.ts';

/**
 * What HTTP calls the state of an object (docs/server.md, "Objects"), without quotes: the md5 of its bytes where it was written over HTTP,
 * otherwise their sha256, and of bytes that nobody has hashed the version.
 */
export function entityTagOf(content: ObjectContent, version: string | undefined): string | undefined {
  return content.md5 ?? content.sha256 ?? version;
}

/** What `If-Match` and `If-None-Match` name: any state there is, or these. */
export type EntityTags = '*' | readonly EntityTag[];

export interface EntityTag {
  readonly tag: string;
  readonly isWeak: boolean;
}

/** An object that is not there has no tag. */
export function matchesStrongly(tags: EntityTags, tag: string | undefined): boolean {
  if (tag === undefined) return false;
  return tags === '*' || tags.some((one) => !one.isWeak && one.tag === tag);
}

export function matchesWeakly(tags: EntityTags, tag: string | undefined): boolean {
  if (tag === undefined) return false;
  return tags === '*' || tags.some((one) => one.tag === tag);
}

const TAG = /^\s*(W\/)?(?:"([\x21\x23-\x7e]*)"|([A-Za-z0-9-]+))\s*$/;

/** Of a header; also without the quotes, as many clients send it. Undefined: it is none. */
export function parseEntityTags(header: string): EntityTags | undefined {
  if (header.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  for (const part of header.split(',')) {
    const match = TAG.exec(part);
    if (match === null) return undefined;
    tags.push({ tag: match[2] ?? match[3] ?? '', isWeak: match[1] !== undefined });
  }
  return tags;
}
