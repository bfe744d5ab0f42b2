import { readJson } from '../text/json';
import {
  asListed,
  type DownloadPlan,
  keyOf,
  type Manifest,
  manifestSchema,
  type Proof,
  planSchema,
  type RemoteFile,
  storedName,
} from './checkpoint-rows';
import { fellShort, isFull, storageError } from './errors';
import { cutTo, type FileHandle, removeIn, syncHandle, writeText } from './opfs';

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
    private readonly file: RemoteFile,
    private readonly handle: Awaited<ReturnType<typeof syncHandle>>,
    private known: string | null,
  ) {
    this.length = this.guarded(() => this.handle.getSize());
  }

  private length: number;

  static async open(folder: FileSystemDirectoryHandle, file: RemoteFile): Promise<OpfsPart> {
    const name = storedName(file);
    const part = (await folder.getFileHandle(name + PART, { create: true })) as FileHandle;
    const etag = await textIn(folder, name + ETAG);
    return new OpfsPart(folder, file, await syncHandle(part), etag === '' ? null : etag);
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
    const short = (cause?: unknown) => fellShort(this.file.path, this.length, this.file.size, cause);
    try {
      if (this.handle.write(bytes, { at: this.length }) !== bytes.length) throw short();
    } catch (cause) {
      // So that a resumed download goes on from bytes of which it is known that they arrived.
      cutTo(this.handle, this.length);
      throw isFull(cause) ? short(cause) : storageError(cause);
    }
    this.length += bytes.length;
  }

  async restart(etag: string | null): Promise<void> {
    this.guarded(() => this.handle.truncate(0));
    this.length = 0;
    if (etag !== this.known) await writeText(this.folder, storedName(this.file) + ETAG, etag ?? '');
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

/** What the folder's files were last listed as; `null` if nothing readable says it. */
async function listedBefore(
  folder: FileSystemDirectoryHandle,
  key: string,
): Promise<DownloadPlan | Manifest | null> {
  // The plan goes when the manifest is written: where there are both, the plan is the newer.
  for (const [name, schema] of [
    [PLAN, planSchema],
    [MANIFEST, manifestSchema],
  ] as const) {
    try {
      const listing = schema.parse(readJson((await textIn(folder, name)) ?? ''));
      if (keyOf(listing) === key) return listing;
    } catch {
      // Missing, or not written whole.
    }
  }
  return null;
}

/**
 * Removes the files that were listed with another content than in `plan`, which would otherwise be taken for
 * those of the plan by their names and sizes. Where nothing says what they are, the commit does.
 */
async function removeReplaced(folder: FileSystemDirectoryHandle, plan: DownloadPlan): Promise<void> {
  const before = await listedBefore(folder, keyOf(plan));
  const isReplaced = (file: RemoteFile) => {
    const told = before === null ? 'unknown' : asListed(file, before);
    return told === 'another' || (told === 'unknown' && plan.commit === null);
  };
  const replaced = plan.files.filter(isReplaced);
  // First, so that a mixture never counts as the checkpoint that was there.
  if (replaced.length > 0) await removeIn(folder, MANIFEST);
  for (const name of replaced.map(storedName))
    for (const suffix of ['', PART, ETAG]) await removeIn(folder, name + suffix);
}

/**
 * Opens the plan's folder, with whatever an earlier attempt at the same files left in it; workers only. Rejects
 * with `StorageError`.
 */
export async function openShelf(root: FileSystemDirectoryHandle, plan: DownloadPlan): Promise<Shelf> {
  try {
    const folder = await root.getDirectoryHandle(keyOf(plan), { create: true });
    await removeReplaced(folder, plan);
    const text = JSON.stringify(plan);
    // A resumed download has its plan: on a full disk writing it again could lose it.
    if ((await textIn(folder, PLAN)) !== text) await writeText(folder, PLAN, text);
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
    return OpfsPart.open(this.folder, file);
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
