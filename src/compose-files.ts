import type { Pando } from './compose.ts';
import type { ObjectName } from './domain/object/object-name.ts';
import type { DeleteArguments, DeleteResult } from './engine/delete-object.ts';
import type { Downloads } from './engine/downloads/open-download.ts';
import { LaterRecords } from './engine/later-records.ts';
import type { UploadFiles, UploadResult } from './engine/uploads/upload-types.ts';

/** Files to stores. */
export async function uploadWith(pando: Pando, args: UploadFiles): Promise<UploadResult> {
  const { uploadFiles } = await import('./engine/uploads/upload-files.ts');
  return uploadFiles(await pando.uploadPorts(), args);
}

/** What was uploaded goes again. */
export async function deleteUploadedWith(
  pando: Pando,
  object: ObjectName,
  options: Pick<DeleteArguments, 'ifVersion' | 'signal'>,
): Promise<DeleteResult> {
  const { deleteUploaded } = await import('./engine/uploads/delete-uploaded.ts');
  return deleteUploaded(await pando.uploadPorts(), object, options);
}

/** Objects by what the catalog says of them, from whatever store has them. What was noticed on the way is recorded when it is closed. */
export async function openDownloads(pando: Pando): Promise<Downloads & AsyncDisposable> {
  const { bindDownloads } = await import('./engine/downloads/open-download.ts');
  const ports = await pando.uploadPorts();
  const later = new LaterRecords(ports.catalog, ports.events);
  return { ...bindDownloads({ ...ports, later }), [Symbol.asyncDispose]: () => later.drain() };
}

/** Gives a local file that is complete its name, where nothing has it; otherwise fails with `EEXIST`. */
export async function nameNewFile(from: string, to: string): Promise<void> {
  const files = await import('./storage/file/name-new-file.ts');
  await files.nameNewFile(from, to);
}
