import type { ObjectName } from '../../domain/object/object-name.ts';
import type { UploadOrigin } from '../../ports/uploads.ts';

/** `request.tool` of uploads: what brings the bytes is the uploader itself. */
export const UPLOADER = 'upload';

/** What `request.external_id` says of an upload. */
export interface UploadNote {
  readonly account: string;
  readonly origin: UploadOrigin;
  readonly dataset: ObjectName | undefined;
  /** By whose lock it is kept; undefined: nobody wrote that down. */
  readonly rule: number | undefined;
}

/** No two requests share one: version and store are part of it. */
export function encodeNote({ account, origin, dataset, rule }: UploadNote, version: number, store: number): string {
  const into = dataset === undefined ? null : [dataset.scope, dataset.name];
  return JSON.stringify([version, store, account, origin.host, origin.path, into, rule]);
}

type EncodedNote = readonly [
  version: number,
  store: number,
  account: string,
  host: string,
  path: string,
  dataset: readonly [scope: string, name: string] | null,
  rule?: number,
];

export function decodeNote(text: string): UploadNote {
  const [, , account, host, path, into, rule] = JSON.parse(text) as EncodedNote;
  const dataset = into === null ? undefined : { scope: into[0], name: into[1] };
  return { account, origin: { host, path }, dataset, rule };
}
