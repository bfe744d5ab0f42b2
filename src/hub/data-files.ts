import { MAX_DATA_BYTES } from '../contract/data';
import {
  type DownloadPlan,
  type Manifest,
  type Proof,
  type RemoteFile,
  storedName,
} from '../storage/checkpoint-rows';
import { type PartialFile, type Shelf, usualProof } from '../storage/checkpoint-shelf';
import { listed, quote } from '../text/quote';
import { HubError } from './errors';
import { type HubAccess, listRepository, type Repository } from './listing';
import { nameOf, parseDataSource } from './source';

/** Files of a data set's repository, as they are there: looked up, agreed to, downloaded into memory and read as dropped ones are. */

/** What a repository has that can be read here. */
export interface DataOffer {
  readonly repository: Repository;
  /** Files of rows, largest first. */
  readonly files: readonly RemoteFile[];
  /** The file that was asked for, or one that is likely meant. */
  readonly chosen: RemoteFile;
}

const READABLE = /\.(jsonl?|ndjson|txt|csv|tsv)$/i;

/**
 * Asks the host for the repository's files. @param repository as typed, which may be the address of a file
 * @param file as typed; empty for none
 * @throws HubError if there is no such repository or file, or none that is read here
 */
export async function inspectDataSet(
  { repository: typed, file }: { readonly repository: string; readonly file: string },
  base: string,
  access: HubAccess,
): Promise<DataOffer> {
  const { file: named, ...source } = parseDataSource(typed, base);
  const wanted = file.trim().replace(/^\/+/, '') || named;
  const repository = await listRepository(source, access);
  const name = nameOf(repository);
  const files = repository.files
    .filter(({ path, size }) => READABLE.test(path) && size > 0)
    .sort((a, b) => b.size - a.size);
  const there = (some: readonly RemoteFile[]) =>
    listed(
      some.map(({ path }) => path),
      6,
    );
  if (wanted) {
    const found = repository.files.find(({ path }) => path === wanted);
    if (!found)
      throw new HubError(
        'input',
        `${name} has no file ${quote(wanted)}; it has ${there(files.length > 0 ? files : repository.files) || 'none'}`,
        'Check the path, or leave it empty and choose from the list.',
      );
    return { repository, files: files.includes(found) ? files : [found, ...files], chosen: found };
  }
  const chosen = files.find(({ path, size }) => /train/i.test(path) && size <= MAX_DATA_BYTES) ?? files[0];
  if (!chosen)
    throw new HubError(
      'hub',
      `${name} has no file of rows as text; it has ${there(repository.files) || 'no files'}`,
      'JSON, JSON lines, CSV, TSV and text lines are read. Of Parquet files, fetch the rows through the dataset viewer.',
    );
  return { repository, files, chosen };
}

/** @throws HubError for a file that does not fit into memory */
export function dataPlan({ repository }: DataOffer, file: RemoteFile): DownloadPlan {
  const { base, id, revision, commit, licence } = repository;
  if (file.size > MAX_DATA_BYTES)
    throw new HubError(
      'input',
      `${file.path} has ${file.size} bytes; at most ${MAX_DATA_BYTES} fit into memory with what is made of them`,
      'Choose another file, or download it with another program and open a part of it.',
    );
  return { version: 1, base, id, revision, commit, licence, startedAt: Date.now(), files: [file] };
}

/** Where a data set's file is kept while it arrives: in memory, so that a download that broke off goes on while the page lives. */
export class DataShelf implements Shelf {
  private part: MemoryPart | undefined;
  private isWhole = false;

  constructor(readonly plan: DownloadPlan) {}

  async open(file: RemoteFile): Promise<PartialFile | null> {
    if (this.isWhole) return null;
    this.part ??= new MemoryPart(file);
    return this.part;
  }

  async keep(): Promise<void> {
    this.isWhole = true;
  }

  async finish(proofs: ReadonlyMap<string, Proof>): Promise<Manifest> {
    const { startedAt: _began, files, ...rest } = this.plan;
    return {
      ...rest,
      finishedAt: Date.now(),
      files: files.map((file) => ({
        ...file,
        storedAs: storedName(file),
        proof: proofs.get(file.path) ?? usualProof(file),
      })),
    };
  }

  /** The file, once it is whole, by its name without folders. */
  file(): { readonly name: string; readonly data: Blob } {
    const path = this.plan.files[0]?.path ?? '';
    return { name: path.slice(path.lastIndexOf('/') + 1), data: new Blob([this.part?.bytes ?? '']) };
  }
}

class MemoryPart implements PartialFile {
  private readonly room: Uint8Array<ArrayBuffer>;
  size = 0;
  etag: string | null = null;

  constructor({ path, size }: RemoteFile) {
    try {
      this.room = new Uint8Array(size);
    } catch (cause) {
      throw new HubError(
        'input',
        `there is no memory for the ${size} bytes of ${path}`,
        'Close other tabs, or choose a smaller file.',
        { cause },
      );
    }
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.room.subarray(0, this.size);
  }

  read(buffer: Uint8Array<ArrayBuffer>, at: number): number {
    const some = this.bytes.subarray(at, at + buffer.length);
    buffer.set(some);
    return some.length;
  }

  append(bytes: Uint8Array): void {
    this.room.set(bytes, this.size);
    this.size += bytes.length;
  }

  async restart(etag: string | null): Promise<void> {
    this.size = 0;
    this.etag = etag;
  }

  // Nothing is on a disk, and what is kept is kept.
  flush(): void {}
  close(): void {}
}
