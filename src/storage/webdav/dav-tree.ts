import type { Tree, TreeEntry } from '../list-tree.ts';
import { type DavPlace, isNotThere } from './dav-place.ts';
import type { DavResource } from './multistatus.ts';
import { tokenOf } from './resource-token.ts';

const NS_PER_MS = 1_000_000n;

/** A collection as a tree to be listed. */
export function davTree(place: DavPlace): Tree {
  return {
    store: place.store,
    linkMessage: undefined,
    async read(directory, signal) {
      const entries: TreeEntry[] = [];
      const own = bytesOfPath(place.pathOf(directory));
      let isCollection = false;
      try {
        for await (const resource of place.listDirectory(directory, signal)) {
          const path = bytesOfPath(pathOfHref(resource.href));
          if (sameDirectory(path, own)) isCollection ||= resource.isCollection;
          else entries.push(toEntry(resource, nameIn(place, path, own)));
        }
      } catch (error) {
        if (isNotThere(error)) return undefined;
        throw error;
      }
      return isCollection ? entries : undefined;
    },
  };
}

function toEntry(resource: DavResource, name: string | Uint8Array): TreeEntry {
  const { isCollection, size, modifiedMs } = resource;
  return {
    name,
    kind: isCollection ? 'directory' : 'file',
    size,
    token: tokenOf(resource),
    modifiedNs: modifiedMs === undefined ? undefined : BigInt(modifiedMs) * NS_PER_MS,
  };
}

function pathOfHref(href: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/]*(\/.*)?$/i.exec(href)?.[1] ?? href;
}

/** Percent-encoding gone, one character a byte. */
function bytesOfPath(path: string): string {
  return Buffer.from(path, 'utf8')
    .toString('latin1')
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function sameDirectory(path: string, own: string): boolean {
  return path.replace(/\/$/, '') === own.replace(/\/$/, '');
}

/** The name as text, or as bytes where it is no text or no name. What lies elsewhere was not asked for. */
function nameIn(place: DavPlace, path: string, own: string): string | Uint8Array {
  if (!path.startsWith(own)) {
    const why = 'the server tells names of another directory than was asked for: is url rewritten on the way?';
    throw place.fail('corrupt', '', why);
  }
  const bytes = Buffer.from(path.slice(own.length).replace(/\/$/, ''), 'latin1');
  const text = bytes.toString('utf8');
  return text.includes('/') || !Buffer.from(text, 'utf8').equals(bytes) ? bytes : text;
}
