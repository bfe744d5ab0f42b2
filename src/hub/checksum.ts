import { createSHA1, createSHA256, type IHasher } from 'hash-wasm';
import type { Proof, RemoteFile } from '../storage/checkpoint-rows';
import { usualProof } from '../storage/checkpoint-shelf';

/** The hash of a file, computed as its bytes pass: the whole file is never in memory. */
export class Checksum {
  private constructor(
    readonly proof: Proof,
    private readonly expected: string | null,
    private readonly size: number,
    private readonly hasher: IHasher | null,
  ) {}

  static async of(file: RemoteFile): Promise<Checksum> {
    const proof = usualProof(file);
    const hasher =
      proof === 'sha256' ? await createSHA256() : proof === 'git-sha1' ? await createSHA1() : null;
    const made = new Checksum(proof, file.sha256 ?? file.gitSha1, file.size, hasher);
    made.restart();
    return made;
  }

  restart(): void {
    this.hasher?.init();
    // Git hashes a file preceded by a header.
    if (this.proof === 'git-sha1') this.hasher?.update(`blob ${this.size}\0`);
  }

  update(bytes: Uint8Array): void {
    this.hasher?.update(bytes);
  }

  /** The actual and the expected hash if they differ; `null` if they agree. */
  disagreement(): { readonly found: string; readonly expected: string } | null {
    const found = this.hasher?.digest() ?? null;
    return found === null || found === this.expected ? null : { found, expected: this.expected ?? '' };
  }
}
