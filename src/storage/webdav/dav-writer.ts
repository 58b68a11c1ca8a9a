import assert from 'node:assert';
import {
  type Body,
  type Mark,
  type Published,
  type PublishOptions,
  type PublishRequest,
  type Staged,
  type StageOptions,
  StorageError,
  type Token,
} from '../../ports/storage.ts';
import { formatMark, markDocumentName } from '../mark-document.ts';
import { MeasuredBody, readUpTo } from '../measured-body.ts';
import { mayWriterLive, newWriterName } from '../writer-name.ts';
import { makeCollections } from './collections.ts';
import { statusOf, toStorageError } from './dav-errors.ts';
import { type DavFound, type DavPlace, isNotThere, isRefusedByState, ownName } from './dav-place.ts';
import { davTree } from './dav-tree.ts';
import { deleteOwn, writeOwn } from './own-documents.ts';
import { strongEtag } from './resource-token.ts';

const STAGING = 'staging';
const PUBLISHES_AT_ONCE = 16;
/** A server whose ETags tell only seconds gives another one after two of these pauses at the latest. */
const SAME_TOKEN_PAUSE_MS = 600;
const SAME_TOKEN_ATTEMPTS_MAX = 4;

/** What a body became: bytes in memory, or a file in the staging collection. */
type Held = { readonly bytes: Uint8Array } | { readonly name: string; readonly token: Token };

class StagedResource implements Staged {
  readonly key: string;
  readonly size: number;
  readonly held: Held;
  readonly options: StageOptions;

  constructor(fields: StagedResource) {
    this.key = fields.key;
    this.size = fields.size;
    this.held = fields.held;
    this.options = fields.options;
  }
}

/** Small objects are one PUT when they are published; larger ones are PUT under a name of the writer's own, and moved. */
export class DavWriter {
  readonly #place: DavPlace;
  readonly #smallBytesMax: number;
  readonly #writer = newWriterName();
  #count = 0;
  #making: Promise<void> | undefined;

  constructor(place: DavPlace, smallBytesMax: number) {
    this.#place = place;
    this.#smallBytesMax = smallBytesMax;
  }

  async stage(key: string, body: Body, options: StageOptions): Promise<Staged> {
    const where = { store: this.#place.store, key };
    const { attributes, signal, size } = options;
    if (attributes.link !== undefined)
      throw new StorageError('unsupported', where, 'a symbolic link cannot be kept in this store');
    if (signal?.aborted === true) throw new StorageError('aborted', where, 'it was aborted', signal.reason);
    const source = new MeasuredBody(where, body, options);
    try {
      const isLarge = size !== undefined && size > this.#smallBytesMax;
      const beginning = isLarge ? [] : await readUpTo(source, this.#smallBytesMax, size);
      if (beginning instanceof Uint8Array)
        return new StagedResource({ key, size: beginning.length, held: { bytes: beginning }, options });
      return await this.#stageLarge(key, beginning, source, options);
    } catch (error) {
      throw toStorageError(error, where, signal);
    } finally {
      source.close();
    }
  }

  async #stageLarge(
    key: string,
    beginning: readonly Uint8Array[],
    source: MeasuredBody,
    options: StageOptions,
  ): Promise<Staged> {
    await this.#makeStaging();
    const name = `${this.#staging}${++this.#count}`;
    let size = 0;
    const first = beginning.values();
    const body = {
      next: async () => {
        const chunk = first.next().value ?? (await source.next());
        size += chunk?.length ?? 0;
        return chunk;
      },
    };
    const headers: Record<string, string> =
      options.size === undefined ? {} : { 'content-length': String(options.size) };
    try {
      await this.#place.order({ method: 'PUT', name, headers, body, key, signal: options.signal });
      const found = await this.#place.find(name, { key });
      if (found?.size !== size)
        throw this.#place.fail('corrupt', key, `the server has ${found?.size ?? 'none'} of ${size} bytes`);
      return new StagedResource({ key, size, held: { name, token: found.token }, options });
    } catch (error) {
      await this.#remove(name);
      throw error;
    }
  }

  async publish(requests: readonly PublishRequest[]): Promise<(Published | StorageError)[]> {
    const outcomes: (Published | StorageError)[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let i = next++; i < requests.length; i = next++) {
        const { staged, options } = requests[i] as PublishRequest;
        assert(staged instanceof StagedResource, `${this.#place.store}: ${staged.key}: not staged here`);
        outcomes[i] = await this.#publishOne(staged, options);
      }
    };
    await Promise.all(Array.from({ length: Math.min(PUBLISHES_AT_ONCE, requests.length) }, work));
    return outcomes;
  }

  async #publishOne(staged: StagedResource, options: PublishOptions): Promise<Published | StorageError> {
    const { key } = staged;
    try {
      const present = await this.#place.find(key, { key });
      this.#demand(key, present, options);
      const token = await this.#bring(staged, present, options);
      await this.#writeMark(staged, token, options.mark ?? staged.options.mark);
      return { token, verification: 'written' };
    } catch (error) {
      await this.discard([staged]);
      const explained = await this.#place.explain(error, key, 'not-found').catch(() => error);
      if (explained instanceof StorageError) return explained;
      throw explained;
    }
  }

  /** What comes between this and the write, a server that minds conditions sees; not every one does. */
  #demand(key: string, present: DavFound | undefined, { ifAbsent, ifToken }: PublishOptions): void {
    if (present?.isCollection === true)
      throw this.#place.fail('blocked', key, 'a directory lies where the file must be');
    if (ifAbsent === true && present !== undefined)
      throw this.#place.fail('precondition-failed', key, 'there is an object already');
    if (ifToken !== undefined && present?.token !== ifToken)
      throw this.#place.fail('precondition-failed', key, 'the store holds something else than expected');
  }

  async #bring(staged: StagedResource, present: DavFound | undefined, options: PublishOptions): Promise<Token> {
    for (let attempt = 1; ; attempt++) {
      const token = await this.#bringOnce(staged, present, options);
      if (token !== present?.token) return token;
      // What was replaced must not be taken for what replaced it.
      if ('name' in staged.held || attempt === SAME_TOKEN_ATTEMPTS_MAX)
        throw this.#place.fail('changed', staged.key, 'the server gives other bytes the ETag of those before');
      await this.#place.clock.sleep(SAME_TOKEN_PAUSE_MS);
    }
  }

  async #bringOnce(staged: StagedResource, present: DavFound | undefined, options: PublishOptions): Promise<Token> {
    // A move to where no collection is answers 500 at Apache, and tells nothing.
    if ('name' in staged.held && present === undefined) await makeCollections(this.#place, staged.key);
    try {
      await this.#send(staged, present, options);
    } catch (error) {
      if (!isRefusedByState(error)) {
        const arrived = await this.#findArrived(staged, error);
        if (arrived === undefined) throw error;
        return arrived;
      }
      await makeCollections(this.#place, staged.key);
      await this.#send(staged, present, options);
    }
    const { key, size } = staged;
    const found = await this.#place.find(key, { key });
    if (found === undefined) throw this.#place.fail('changed', key, 'it was written, and is not there any more');
    if (found.size !== size)
      throw this.#place.fail('changed', key, `${size} bytes were written, and ${found.size} are there`);
    return found.token;
  }

  async #send({ key, held }: StagedResource, present: DavFound | undefined, options: PublishOptions): Promise<void> {
    const etag = options.ifToken === undefined ? undefined : strongEtag(present?.etag);
    if ('bytes' in held) {
      const condition: Record<string, string> =
        options.ifAbsent === true ? { 'if-none-match': '*' } : etag === undefined ? {} : { 'if-match': etag };
      const headers = { 'content-type': 'application/octet-stream', ...condition };
      // On a condition it is sent once: a repetition would meet its own first attempt.
      const retried = Object.keys(condition).length === 0;
      return this.#place.order({ method: 'PUT', name: key, headers, body: held.bytes, key, retried });
    }
    const headers: Record<string, string> = {
      destination: this.#place.urlOf(key),
      overwrite: options.ifAbsent === true ? 'F' : 'T',
      ...(etag === undefined ? {} : { if: `<${this.#place.urlOf(key)}> ([${etag}])` }),
    };
    await this.#place.order({ method: 'MOVE', name: held.name, headers, key });
  }

  /** Of a move whose answer was lost: what was staged lies there now. */
  async #findArrived({ key, held }: StagedResource, error: unknown): Promise<Token | undefined> {
    if (!('name' in held) || statusOf(error) !== 0) return undefined;
    const found = await this.#place.find(key, { key }).catch(() => undefined);
    return found?.token === held.token ? found.token : undefined;
  }

  async #writeMark({ key, options }: StagedResource, token: Token, mark: Mark): Promise<void> {
    await writeOwn(
      this.#place,
      markDocumentName(key),
      formatMark(key, token, { mark, attributes: options.attributes }),
    );
  }

  async discard(staged: readonly Staged[]): Promise<void> {
    for (const one of staged)
      if (one instanceof StagedResource && 'name' in one.held) await this.#remove(one.held.name);
  }

  /** Collections stay: WebDAV deletes them with all that is in them, also what somebody put there just now. */
  async delete(key: string, found: DavFound, ifToken: Token | undefined): Promise<void> {
    const etag = ifToken === undefined ? undefined : strongEtag(found.etag);
    const headers: Record<string, string> = etag === undefined ? {} : { 'if-match': etag };
    await this.#place.order({ method: 'DELETE', name: key, headers, key });
    await deleteOwn(this.#place, markDocumentName(key));
  }

  /** Removes what writers left behind that no longer live; gives the number of files. */
  async clean(): Promise<number> {
    let count = 0;
    for (const { name, modifiedNs } of await this.#readOwn(ownName(`${STAGING}/`))) {
      if (typeof name !== 'string' || name === this.#writer) continue;
      const writtenMs = Number((modifiedNs ?? 0n) / 1_000_000n);
      if (mayWriterLive(name, this.#place.clock.nowMs() - writtenMs)) continue;
      count += (await this.#readOwn(ownName(`${STAGING}/${name}/`))).length;
      await deleteOwn(this.#place, `${STAGING}/${name}/`);
    }
    return count;
  }

  async #readOwn(directory: string) {
    return (await davTree(this.#place).read(directory, undefined)) ?? [];
  }

  /** Whatever this writer still had staged is nobody's now. */
  async dispose(): Promise<void> {
    if (this.#making !== undefined) await deleteOwn(this.#place, `${STAGING}/${this.#writer}/`);
    this.#making = undefined;
  }

  get #staging(): string {
    return ownName(`${STAGING}/${this.#writer}/`);
  }

  async #makeStaging(): Promise<void> {
    this.#making ??= makeCollections(this.#place, this.#staging).catch((error: unknown) => {
      this.#making = undefined;
      throw error;
    });
    await this.#making;
  }

  async #remove(name: string): Promise<void> {
    try {
      await this.#place.order({ method: 'DELETE', name });
    } catch (error) {
      // It never arrived, or goes with its directory when somebody cleans up.
      if (!isNotThere(error) && !(error instanceof StorageError)) throw error;
    }
  }
}
