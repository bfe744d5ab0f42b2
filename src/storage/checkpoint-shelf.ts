import {
  type DownloadPlan,
  keyOf,
  type Manifest,
  type Proof,
  type RemoteFile,
  storedName,
} from './checkpoint-rows';
import { storageError } from './errors';
import { type FileHandle, removeIn, syncHandle, writeText } from './opfs';

/**
 * Where one download is written. A file is called `<name>.part` until it is complete and verified; the
 * manifest is written last. Files are written in place, so that what has arrived outlives the tab; a hash
 * verifies the file at the end, for which a resumed download reads the earlier bytes again.
 */

export const MANIFEST = 'manifest.json';
export const PLAN = 'plan.json';
const PART = '.part';
/** Suffix of the file beside a part that holds the ETag of the response it comes from. */
const ETAG = '.etag';

/**
 * A file being downloaded. Reads and writes are synchronous, as they are in workers. Everything throws
 * `StorageError`.
 */
export interface PartialFile {
  /** Bytes written so far. */
  readonly size: number;
  /** ETag of the response that they come from, if it had one. */
  readonly etag: string | null;
  /** Reads into `buffer` from `at`; returns how many bytes. */
  read(buffer: Uint8Array<ArrayBuffer>, at: number): number;
  /** Appends. */
  append(bytes: Uint8Array): void;
  /** Discards what was written; what follows comes from the response with this ETag. */
  restart(etag: string | null): Promise<void>;
  /** Asks the browser to write everything to disk. */
  flush(): void;
  close(): void;
}

export interface Shelf {
  /** `null`: the file is already complete. */
  open(file: RemoteFile): Promise<PartialFile | null>;
  /** Marks a verified file as complete: it loses its `.part`. It must be closed. */
  keep(file: RemoteFile): Promise<void>;
  /** Call when all files are complete: writes the manifest. */
  finish(proofs: ReadonlyMap<string, Proof>): Promise<Manifest>;
}

class OpfsPart implements PartialFile {
  private constructor(
    private readonly folder: FileSystemDirectoryHandle,
    private readonly name: string,
    private readonly handle: Awaited<ReturnType<typeof syncHandle>>,
    private known: string | null,
  ) {
    this.length = this.guarded(() => this.handle.getSize());
  }

  private length: number;

  static async open(folder: FileSystemDirectoryHandle, name: string): Promise<OpfsPart> {
    const file = (await folder.getFileHandle(name + PART, { create: true })) as FileHandle;
    const etag = await textIn(folder, name + ETAG);
    return new OpfsPart(folder, name, await syncHandle(file), etag === '' ? null : etag);
  }

  get size(): number {
    return this.length;
  }

  get etag(): string | null {
    return this.known;
  }

  read(buffer: Uint8Array<ArrayBuffer>, at: number): number {
    return this.guarded(() => this.handle.read(buffer, { at }));
  }

  append(bytes: Uint8Array): void {
    const written = this.guarded(() => this.handle.write(bytes, { at: this.length }));
    if (written !== bytes.length)
      throw storageError(new DOMException('the disk took only a part of the bytes', 'QuotaExceededError'));
    this.length += written;
  }

  async restart(etag: string | null): Promise<void> {
    this.guarded(() => this.handle.truncate(0));
    this.length = 0;
    if (etag !== this.known) await writeText(this.folder, this.name + ETAG, etag ?? '');
    this.known = etag;
  }

  flush(): void {
    this.guarded(() => this.handle.flush());
  }

  close(): void {
    this.handle.close();
  }

  private guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw storageError(cause);
    }
  }
}

async function textIn(folder: FileSystemDirectoryHandle, name: string): Promise<string | null> {
  try {
    return await (await (await folder.getFileHandle(name)).getFile()).text();
  } catch {
    return null;
  }
}

/**
 * Opens the plan's folder, with whatever an earlier attempt left in it; workers only. Rejects with
 * `StorageError`.
 */
export async function openShelf(root: FileSystemDirectoryHandle, plan: DownloadPlan): Promise<Shelf> {
  try {
    const folder = await root.getDirectoryHandle(keyOf(plan), { create: true });
    await writeText(folder, PLAN, JSON.stringify(plan));
    return new OpfsShelf(folder, plan);
  } catch (cause) {
    throw storageError(cause);
  }
}

class OpfsShelf implements Shelf {
  /** Files that keep their `.part`, because this browser cannot rename. */
  private readonly unmoved = new Set<string>();

  constructor(
    private readonly folder: FileSystemDirectoryHandle,
    private readonly plan: DownloadPlan,
  ) {}

  async open(file: RemoteFile): Promise<PartialFile | null> {
    const name = storedName(file);
    try {
      const whole = await (await this.folder.getFileHandle(name)).getFile();
      if (whole.size === file.size) return null;
      await removeIn(this.folder, name);
    } catch (cause) {
      if ((cause as Error).name !== 'NotFoundError') throw storageError(cause);
    }
    return OpfsPart.open(this.folder, name);
  }

  async keep(file: RemoteFile): Promise<void> {
    const name = storedName(file);
    try {
      const handle = (await this.folder.getFileHandle(name + PART)) as FileHandle;
      if (handle.move) await handle.move(name);
      else this.unmoved.add(file.path);
      await removeIn(this.folder, name + ETAG);
    } catch (cause) {
      throw storageError(cause);
    }
  }

  async finish(proofs: ReadonlyMap<string, Proof>): Promise<Manifest> {
    const { startedAt: _began, files, ...rest } = this.plan;
    const manifest: Manifest = {
      ...rest,
      finishedAt: Date.now(),
      files: files.map((file) => ({
        ...file,
        storedAs: storedName(file) + (this.unmoved.has(file.path) ? PART : ''),
        // A file that was complete before this attempt lost its `.part` only once it was verified.
        proof: proofs.get(file.path) ?? usualProof(file),
      })),
    };
    await writeText(this.folder, MANIFEST, JSON.stringify(manifest));
    await removeIn(this.folder, PLAN);
    return manifest;
  }
}

/** What the content of `file` can be checked against. */
export const usualProof = ({ sha256, gitSha1 }: RemoteFile): Proof =>
  sha256 !== null ? 'sha256' : gitSha1 !== null ? 'git-sha1' : 'size';
