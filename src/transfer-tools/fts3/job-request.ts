import type { Transfer } from '../../ports/transfer-tool.ts';
import { writeChecksum } from './write-checksum.ts';

/** Which checksum both ends are asked to compare, and where. */
export interface FtsVerify {
  /** Those the stores can tell, the preferred one first. Of these the first that is known of the version is used. */
  readonly checksums: readonly string[];
  readonly where: 'both' | 'target';
}

/** What comes back with each state of the job and each message of it, so that nobody has to remember it. */
export interface PandoMetadata {
  readonly attempt: string;
  readonly size: number;
  readonly sources: readonly { readonly store: string; readonly url: string }[];
  /** `target`: compared with what the destination told. */
  readonly verified: { readonly algorithm: string; readonly value: string } | undefined;
}

/** Anything else in a message came from others. */
export const ISSUER = 'pando';

/** The highest, which is the most urgent, and the lowest FTS knows. */
const PRIORITY_MAX = 5;
const PRIORITY_MIN = 1;

/** The job of one transfer, as `POST /jobs` takes it. */
export function ftsJobOf(transfer: Transfer, { checksums, where }: FtsVerify): unknown {
  const { attempt, sources, destination, onto, content, priority, activity } = transfer;
  const algorithm = checksums.find((one) => content.checksums[one] !== undefined);
  const said = algorithm === undefined ? undefined : content.checksums[algorithm];
  const urls = sources.map(({ store, url = '' }) => ({ store, url }));
  const verified =
    algorithm === undefined || said === undefined ? undefined : { algorithm, value: writeChecksum(algorithm, said) };
  const pando: PandoMetadata = { attempt, size: content.size, sources: urls, verified };
  return {
    files: [
      {
        sources: urls.map(({ url }) => url),
        destinations: [destination.url],
        filesize: content.size,
        ...(verified === undefined ? {} : { checksum: `${verified.algorithm.toUpperCase()}:${verified.value}` }),
        // Their order is Pando's ranking.
        selection_strategy: 'orderly',
        ...(activity === undefined ? {} : { activity }),
        metadata: { pando },
      },
    ],
    params: {
      verify_checksum: verified === undefined ? 'none' : where,
      overwrite: onto !== undefined,
      // What lies at an occupied destination comes with the refusal.
      dst_file_report: true,
      priority: ftsPriority(priority),
      multihop: false,
      job_metadata: { issuer: ISSUER, multi_sources: urls.length > 1 },
      id_generator: 'deterministic',
      sid: attempt,
    },
  };
}

export function ftsPriority(priority: number): number {
  return Math.max(PRIORITY_MIN, PRIORITY_MAX - priority);
}
