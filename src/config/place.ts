import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StorageSettings } from './configuration.ts';
import { isAmazon, parseS3Location, type S3Location } from './s3-location.ts';

/**
 * The place of a store as a URL that ends with '/', the same however it was written: `file:///real/path/`,
 * `s3://host:port/bucket/prefix/`, `https://host:port/path/` (WebDAV), `sftp://host:port/path/`, `memory://name/`. One place lies inside another when its URL begins with the other's. It
 * has no credentials in it. Symlinks of a path that exists are followed; of one that does not, those of its nearest parent.
 */
export function storePlace(settings: StorageSettings): string {
  switch (settings.type) {
    case 'file':
      return filePlace(settings.basePath);
    case 's3':
      return `s3://${endpointHost(settings)}/${encodeSegments(`${settings.bucket}/${settings.prefix}`)}`.replace(
        /\/*$/,
        '/',
      );
    case 'webdav':
      return webdavPlace(settings.url);
    case 'sftp':
      return sftpPlace(settings);
    case 'memory':
      return `memory://${encodeURIComponent(settings.name)}/`;
  }
}

/** Bucket and prefix of a place in S3, as seen from the endpoint of these settings; with their bucket, or any where they name none. */
export function s3LocationAt(place: string, settings: StorageSettings & { type: 's3' }): S3Location | undefined {
  const host = `s3://${endpointHost(settings)}/`;
  if (!place.startsWith(host)) return undefined;
  const parsed = parseS3Location(place.slice(host.length).split('/').map(decodeURIComponent).join('/'));
  if ('problem' in parsed) return undefined;
  return settings.bucket === '' || settings.bucket === parsed.value.bucket ? parsed.value : undefined;
}

/** Whether a place is another or lies inside it. */
export function isWithin(place: string, outer: string): boolean {
  return place.startsWith(outer);
}

export function filePlace(path: string): string {
  return pathToFileURL(`${followLinks(resolve(path)).replace(/\/+$/, '')}/`).href;
}

function followLinks(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(followLinks(parent), basename(path));
  }
}

function endpointHost(settings: StorageSettings & { type: 's3' }): string {
  const { endpointUrl, region } = settings;
  if (isAmazon(endpointUrl)) {
    const china = endpointUrl === undefined ? region.startsWith('cn-') : endpointUrl.endsWith('.cn');
    return china ? 's3.amazonaws.com.cn' : 's3.amazonaws.com';
  }
  const url = new URL(endpointUrl ?? '');
  const port = url.port === '' ? '' : `:${url.port}`;
  return `${localName(url.hostname)}${port}${url.pathname.replace(/\/+$/, '')}`;
}

function webdavPlace(address: string): string {
  const url = new URL(address);
  const port = url.port === '' ? '' : `:${url.port}`;
  return `${url.protocol}//${localName(url.hostname)}${port}${url.pathname}`;
}

/** Where the user begins differs from one to the other; what is absolute does not. */
function sftpPlace({ host, port, user, path }: StorageSettings & { type: 'sftp' }): string {
  const name = localName(host.includes(':') ? `[${host}]` : host.toLowerCase());
  const address = `${name}${port === 22 ? '' : `:${port}`}`;
  if (path.startsWith('/')) return `sftp://${address}${encodeSegments(path).replace(/\/*$/, '/')}`;
  return `sftp://${encodeURIComponent(user)}@${address}/${encodeSegments(`./${path}`).replace(/\/*$/, '/')}`;
}

function localName(hostname: string): string {
  return ['127.0.0.1', '[::1]'].includes(hostname) ? 'localhost' : hostname;
}

function encodeSegments(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
