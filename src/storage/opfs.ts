import { fellShort, isFull, StorageError, storageError } from './errors';

/** The origin private file system: a folder of this site's own, invisible to other sites. */

/** How workers write a file in place; TypeScript declares it only in its worker library. */
export interface SyncAccessHandle {
  read(buffer: Uint8Array<ArrayBuffer>, options?: { at?: number }): number;
  write(buffer: Uint8Array<ArrayBufferLike>, options?: { at?: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

export interface FileHandle extends FileSystemFileHandle {
  createSyncAccessHandle?(): Promise<SyncAccessHandle>;
  /** Renames; not every browser has it. */
  move?(name: string): Promise<void>;
}

const FOLDER = 'checkpoints';

/** Why there is no such file system here, or `null` if there is. */
export const opfsUnavailable = (): string | null =>
  typeof (globalThis.navigator as Partial<Navigator> | undefined)?.storage?.getDirectory === 'function'
    ? null
    : globalThis.isSecureContext === false
      ? 'this page was opened over plain http, where browsers do not store files: open it over https or on localhost'
      : 'this browser has no file system for sites';

/** Bytes that the browser has left for this site; `null` if it does not say. */
export async function roomLeft(): Promise<number | null> {
  const { usage, quota } = (await navigator.storage?.estimate?.()) ?? {};
  return usage === undefined || quota === undefined ? null : Math.max(0, quota - usage);
}

/** The folder of all checkpoints. Rejects with `StorageError`. */
export const checkpointsFolder = (name = FOLDER): Promise<FileSystemDirectoryHandle> => folderIn(name);

/** The folder at this path, created if missing. Rejects with `StorageError`. */
export async function folderIn(...path: readonly string[]): Promise<FileSystemDirectoryHandle> {
  const why = opfsUnavailable();
  if (why !== null)
    throw new StorageError(`nothing can be stored: ${why}`, 'Open the model from a folder instead.');
  try {
    let folder = await navigator.storage.getDirectory();
    for (const name of path) folder = await folder.getDirectoryHandle(name, { create: true });
    return folder;
  } catch (cause) {
    throw storageError(cause);
  }
}

const isMissing = (error: unknown) => (error as Error | undefined)?.name === 'NotFoundError';

/** The folder's file, or `null` if there is none. */
export async function fileIn(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch (error) {
    if (isMissing(error)) return null;
    throw storageError(error);
  }
}

/** Deletes a file or folder if there is one. */
export async function removeIn(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  try {
    await folder.removeEntry(name, { recursive: true });
  } catch (error) {
    if (!isMissing(error)) throw storageError(error);
  }
}

/**
 * Replaces a small text file; workers only. Where it cannot be written whole, it is left empty: a beginning of a
 * plan, a manifest or an ETag could be taken for all of it. Rejects with `StorageError`.
 */
export async function writeText(
  folder: FileSystemDirectoryHandle,
  name: string,
  text: string,
): Promise<void> {
  const handle = await syncHandle((await folder.getFileHandle(name, { create: true })) as FileHandle);
  const bytes = new TextEncoder().encode(text);
  try {
    handle.truncate(0);
    const written = handle.write(bytes, { at: 0 });
    if (written !== bytes.length) throw fellShort(name, written, bytes.length);
    handle.flush();
  } catch (cause) {
    cutTo(handle, 0);
    throw isFull(cause) ? fellShort(name, 0, bytes.length, cause) : storageError(cause);
  } finally {
    handle.close();
  }
}

/** After a write that failed, whose beginning may be on the disk: discards what is beyond `size`. */
export function cutTo(handle: SyncAccessHandle, size: number): void {
  try {
    handle.truncate(size);
  } catch {
    // The write's own error says more.
  }
}

/** Opens a file for writing in place. Rejects with `StorageError`. */
export async function syncHandle(file: FileHandle): Promise<SyncAccessHandle> {
  if (!file.createSyncAccessHandle)
    throw new StorageError(
      'this browser cannot write files in place',
      'Update the browser, or download the model with another program and open its folder.',
    );
  try {
    return await file.createSyncAccessHandle();
  } catch (cause) {
    throw (cause as Error | undefined)?.name === 'NoModificationAllowedError'
      ? new StorageError(
          `${file.name} is being written by another tab of this page`,
          'Wait for it, or close the other tab.',
          { cause },
        )
      : storageError(cause);
  }
}
