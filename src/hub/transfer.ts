import type { Proof, RemoteFile } from '../storage/checkpoint-rows';
import type { PartialFile } from '../storage/checkpoint-shelf';
import { Checksum } from './checksum';
import { HubError } from './errors';
import {
  type Limits,
  persistently,
  Retry,
  refuseAnswer,
  requestInit,
  sleep,
  unlessStalled,
  type Waiting,
} from './request';

/** Brings one file from wherever it stands to complete and verified. */

export interface TransferOptions {
  /** Address of the host, which decides whether a token may be sent. */
  readonly base: string;
  readonly url: string;
  readonly token: string | null;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly fetch: typeof fetch;
  /** Called with the bytes of this file received so far, which may drop: a changed file is downloaded afresh. */
  readonly onBytes: (bytes: number) => void;
  /** `null`: no longer waiting. */
  readonly onWait: (waiting: Waiting | null) => void;
}

/** Bytes after which the file is flushed to disk. */
const FLUSH = 32 * 2 ** 20;
/** Bytes per read when hashing what an earlier attempt left. */
const CHUNK = 4 * 2 ** 20;

/** Why a beginning is not continued. */
const UNKNOWN =
  'the host gives neither a hash nor an ETag that would tell whether the rest belongs to the same version of this file: it is downloaded from the beginning';

/**
 * Downloads the rest of `file` into `part`, which may hold its beginning.
 * @returns what its content was checked against
 * @throws HubError, StorageError, or the signal's reason
 */
export async function transfer(
  file: RemoteFile,
  part: PartialFile,
  options: TransferOptions,
): Promise<Proof> {
  const run = new Transfer(file, part, await Checksum.of(file), options);
  return run.toEnd();
}

class Transfer {
  /** The most bytes it ever had, so that a file that keeps starting over makes no progress. */
  private farthest = 0;
  private unflushed = 0;
  /** Whether some of the bytes are from before this call. */
  private isOld = false;

  constructor(
    private readonly file: RemoteFile,
    private readonly part: PartialFile,
    private readonly checksum: Checksum,
    private readonly options: TransferOptions,
  ) {}

  async toEnd(): Promise<Proof> {
    await this.takeUp();
    for (;;) {
      await this.fetchRest();
      const wrong = this.checksum.disagreement();
      if (wrong === null) break;
      const wasOld = this.isOld;
      await this.restart(null);
      // The earlier bytes may have been damaged: start over once, and only once.
      if (!wasOld) throw this.changed(`its hash is ${wrong.found}, listed as ${wrong.expected}`);
    }
    this.part.flush();
    return this.checksum.proof;
  }

  /** Hashes what is there; starts over if it is unknown which file it is the beginning of. */
  private async takeUp(): Promise<void> {
    const { size } = this.part;
    if (size > this.file.size || (size > 0 && !this.canContinue())) return this.restart(null);
    const buffer = new Uint8Array(Math.min(CHUNK, size));
    for (let at = 0; at < size; ) {
      this.options.signal.throwIfAborted();
      const read = this.part.read(buffer.subarray(0, Math.min(CHUNK, size - at)), at);
      if (read === 0) return this.restart(null);
      this.checksum.update(buffer.subarray(0, read));
      at += read;
      // Lets a cancel message arrive.
      await sleep(0, this.options.signal);
    }
    this.isOld = size > 0;
    this.farthest = size;
    this.options.onBytes(size);
  }

  /** Whether what follows can be told from another version of the file: by its hash at the end, or by the ETag now. */
  private canContinue(): boolean {
    return this.checksum.proof !== 'size' || this.part.etag !== null;
  }

  private async restart(etag: string | null): Promise<void> {
    await this.part.restart(etag);
    this.checksum.restart();
    this.isOld = false;
    this.unflushed = 0;
    this.options.onBytes(0);
  }

  private async fetchRest(): Promise<void> {
    const { limits, signal, onWait } = this.options;
    // An empty file is requested too: a host that does not have it must say so.
    if (this.part.size < this.file.size || this.file.size === 0)
      await persistently(
        async () => {
          await this.attempt();
          if (this.part.size !== this.file.size)
            throw new Retry(`the connection ended after ${this.part.size} of ${this.file.size} bytes`);
        },
        this.file.path,
        limits,
        signal,
        () => this.farthest,
        onWait,
      );
    onWait(null);
  }

  /** One request. What arrives is kept, however it ends. */
  private async attempt(): Promise<void> {
    const { signal, limits, base, url, token, fetch: ask } = this.options;
    await unlessStalled(
      async (both, arm) => {
        if (this.part.size > 0 && !this.canContinue()) {
          await this.restart(null);
          // Shown until the host answers: the bytes that have arrived go down to none.
          this.options.onWait({ why: UNKNOWN, pause: 0 });
        }
        const from = this.part.size;
        const response = await ask(url, { ...requestInit(base, token, from), signal: both });
        if (response.status === 416 && from > 0) {
          await this.restart(null);
          throw new Retry(
            'the host does not have the rest of this file: it is downloaded from the beginning',
            0,
          );
        }
        refuseAnswer(response, base, this.file.path, limits);
        await this.agree(response, from);
        this.options.onWait(null);
        await this.readBody(response, arm);
      },
      base,
      limits,
      signal,
      isOurs,
    );
  }

  /** Makes sure that the response continues where the file ends; starts over if it belongs to another file. */
  private async agree(response: Response, from: number): Promise<void> {
    const etag = response.headers.get('etag');
    if (response.status === 200) {
      if (from > 0 || etag !== this.part.etag) await this.restart(etag);
      return;
    }
    const [, start, total] =
      /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '') ?? [];
    const isElsewhere = start !== undefined && Number(start) !== from;
    const hasAnotherSize = total !== undefined && total !== '*' && Number(total) !== this.file.size;
    const isAnother = etag !== null && this.part.etag !== null && etag !== this.part.etag;
    // Hosts may keep the ETag from other sites' pages. Where no hash at the end tells versions apart, silence is no agreement.
    const isUnknown = from > 0 && this.checksum.proof === 'size' && etag === null;
    if (!isElsewhere && !hasAnotherSize && !isAnother && !isUnknown) return;
    await this.restart(null);
    if (hasAnotherSize) throw this.changed(`it has ${total} bytes, listed with ${this.file.size}`);
    throw new Retry(
      isAnother
        ? 'the file has changed on the host: it is downloaded from the beginning'
        : isElsewhere
          ? 'the host sent a different part of the file than requested'
          : UNKNOWN,
      0,
    );
  }

  private async readBody(response: Response, arm: () => void): Promise<void> {
    const reader = response.body?.getReader();
    if (!reader) return;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.options.signal.throwIfAborted();
      arm();
      if (this.part.size + value.length > this.file.size) {
        await this.restart(null);
        throw this.changed(`more than the listed ${this.file.size} bytes arrived`);
      }
      this.part.append(value);
      this.checksum.update(value);
      this.farthest = Math.max(this.farthest, this.part.size);
      this.unflushed += value.length;
      if (this.unflushed >= FLUSH) {
        this.part.flush();
        this.unflushed = 0;
      }
      this.options.onBytes(this.part.size);
    }
  }

  private changed(how: string): HubError {
    return new HubError(
      'hub',
      `${this.file.path}: ${how}`,
      'The host sends a file that differs from its listing: look the model up again. If it happens again, choose another host.',
    );
  }
}

/** Errors that already have a hint: from the host's response, or from storage. */
const isOurs = (thrown: unknown): boolean =>
  thrown instanceof HubError || (thrown as { code?: unknown } | null)?.code === 'storage';
