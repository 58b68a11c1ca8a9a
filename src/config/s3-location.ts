import type { Parsed } from './quantity.ts';

/** Where in S3: a bucket, and a prefix that is '' or ends with '/'. */
export interface S3Location {
  readonly bucket: string;
  readonly prefix: string;
}

/** AWS's own rule (3 to 63, lower case) and what older buckets and other servers allow beyond it. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{2,254}$/;
const CONTROL = /[\u0000-\u001f\u007f]/;

/** `bucket`, `bucket/prefix`, `s3://bucket/prefix/`. */
export function parseS3Location(text: string): Parsed<S3Location> {
  const path = text.replace(/^s3:\/\//, '').replace(/\/+$/, '');
  const [bucket = '', ...segments] = path.split('/');
  if (bucket.includes('@')) return { problem: 'it has credentials in it' };
  if (!BUCKET.test(bucket)) return { problem: 'it does not begin with the name of a bucket' };
  if (CONTROL.test(path) || !path.isWellFormed()) return { problem: 'it has characters that no key can have' };
  if (segments.some((segment) => segment === '')) return { problem: 'its prefix has an empty segment (//)' };
  if (segments.some((segment) => segment === '.' || segment === '..'))
    return { problem: 'its prefix has a . or .. segment' };
  return { value: { bucket, prefix: segments.length === 0 ? '' : `${segments.join('/')}/` } };
}

/** An `http(s)://host[:port][/path]`, without a slash at its end. */
export function parseEndpoint(text: string): Parsed<string> {
  if (!/^https?:\/\//.test(text)) return { problem: 'it does not begin with http:// or https://' };
  if (!URL.canParse(text)) return { problem: 'it is not a URL' };
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return { problem: 'it has credentials in it' };
  if (url.search !== '' || url.hash !== '') return { problem: 'it has a ? or # part' };
  return { value: url.href.replace(/\/+$/, '') };
}

/** Whether an endpoint is Amazon's own, where a bucket's name is the same in every region. */
export function isAmazon(endpointUrl: string | undefined): boolean {
  return endpointUrl === undefined || /(^|\.)amazonaws\.com(\.cn)?$/.test(new URL(endpointUrl).hostname);
}
