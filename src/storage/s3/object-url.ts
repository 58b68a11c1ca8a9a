import type { S3Settings } from './s3-settings.ts';

/** Where a bucket's objects are found: a URL that ends with '/', which their encoded keys follow. */
export function objectUrl(settings: S3Settings): URL {
  const { bucket, region, endpointUrl } = settings;
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = new URL(endpointUrl ?? `https://s3.${region}.${domain}`);
  const base = url.pathname.replace(/\/+$/, '');
  // A wildcard certificate covers one label, so a bucket with a dot in its name stays in the path, as in the SDK.
  if (settings.pathStyle || bucket.includes('.')) url.pathname = `${base}/${bucket}/`;
  else {
    url.hostname = `${bucket}.${url.hostname}`;
    url.pathname = `${base}/`;
  }
  return url;
}
