import type { SyncAccessHandle } from './opfs';

/** An origin private file system in memory, with a disk that may be full, for tests without a browser. */

const missing = (name: string) => new DOMException(`${name} is not there`, 'NotFoundError');

export class FakeDisk {
  /** Bytes that it still takes. */
  room = Number.POSITIVE_INFINITY;
  /** What a write does that does not fit: takes what fits and says how much, or takes some of it and throws. */
  whenFull: 'short' | 'throws' = 'short';
  readonly root = new FakeFolder('', this) as FakeFolder & FileSystemDirectoryHandle;
}

class FakeFolder {
  readonly kind = 'directory';
  readonly folders = new Map<string, FakeFolder>();
  readonly files = new Map<string, FakeFile>();

  constructor(
    readonly name: string,
    private readonly disk: FakeDisk,
  ) {}

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<FakeFolder> {
    const found = this.folders.get(name);
    if (found) return found;
    if (!create) throw missing(name);
    const made = new FakeFolder(name, this.disk);
    this.folders.set(name, made);
    return made;
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<FakeFile> {
    const found = this.files.get(name);
    if (found) return found;
    if (!create) throw missing(name);
    const made = new FakeFile(name, this, this.disk);
    this.files.set(name, made);
    return made;
  }

  async removeEntry(name: string): Promise<void> {
    const file = this.files.get(name);
    if (file) file.resize(0);
    if (!this.files.delete(name) && !this.folders.delete(name)) throw missing(name);
  }

  async *entries(): AsyncGenerator<[string, FakeFolder | FakeFile]> {
    yield* this.folders;
    yield* this.files;
  }
}

class FakeFile {
  readonly kind = 'file';
  bytes = new Uint8Array(0);

  constructor(
    public name: string,
    private readonly folder: FakeFolder,
    private readonly disk: FakeDisk,
  ) {}

  async getFile(): Promise<File> {
    return new File([this.bytes], this.name);
  }

  async move(name: string): Promise<void> {
    this.folder.files.delete(this.name);
    this.name = name;
    this.folder.files.set(name, this);
  }

  resize(size: number): void {
    this.disk.room -= size - this.bytes.length;
    const next = new Uint8Array(size);
    next.set(this.bytes.subarray(0, size));
    this.bytes = next;
  }

  async createSyncAccessHandle(): Promise<SyncAccessHandle> {
    return {
      read: (buffer, { at = 0 } = {}) => {
        const some = this.bytes.subarray(at, at + buffer.length);
        buffer.set(some);
        return some.length;
      },
      write: (buffer, { at = 0 } = {}) => {
        const more = Math.max(0, at + buffer.length - this.bytes.length);
        const taken = buffer.length - Math.max(0, more - this.disk.room);
        if (at + taken > this.bytes.length) this.resize(at + taken);
        this.bytes.set(buffer.subarray(0, taken), at);
        if (taken < buffer.length && this.disk.whenFull === 'throws')
          throw new DOMException('', 'QuotaExceededError');
        return taken;
      },
      truncate: (size) => this.resize(size),
      getSize: () => this.bytes.length,
      flush: () => {},
      close: () => {},
    };
  }
}
