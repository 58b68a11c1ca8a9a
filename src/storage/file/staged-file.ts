import type { Staged, StageOptions } from '../../ports/storage.ts';

/** Where staged bytes lie: under a name in the staging area, or in an open file that has none. */
export type Whereabouts =
  | { readonly path: string; readonly fd: undefined }
  | { readonly path: undefined; readonly fd: number };

/** A file that was written and has no key yet. */
export class StagedFile implements Staged {
  readonly key: string;
  readonly at: Whereabouts;
  readonly size: number;
  readonly token: string;
  readonly options: StageOptions;
  readonly marked: boolean;

  constructor(fields: Pick<StagedFile, 'key' | 'at' | 'size' | 'token' | 'options' | 'marked'>) {
    this.key = fields.key;
    this.at = fields.at;
    this.size = fields.size;
    this.token = fields.token;
    this.options = fields.options;
    this.marked = fields.marked;
  }
}
