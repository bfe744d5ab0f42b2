import type { Decoder } from '../../decode/decoder';

/** Maximum bytes of all decoders kept for the next question; one in use is kept whatever its size. */
export const MAX_DECODER_BYTES = 256 * 2 ** 20;

/** Decoders by purpose, least recently used first; those beyond the limit are disposed of. */
export class DecoderCache {
  private readonly kept = new Map<string, Decoder>();

  constructor(
    private readonly inUse: (decoder: Decoder) => boolean,
    private readonly maxBytes = MAX_DECODER_BYTES,
  ) {}

  get size(): number {
    return this.kept.size;
  }

  /** The decoder under that key, made if there is none. The cache still owns it, and disposes of it last. */
  async take(key: string, make: () => Promise<Decoder>): Promise<Decoder> {
    const known = this.kept.get(key);
    if (known) {
      this.kept.delete(key);
      this.kept.set(key, known);
      return known;
    }
    const made = await make();
    await this.shrink(made.bytes);
    this.kept.set(key, made);
    return made;
  }

  async clear(): Promise<void> {
    const all = [...this.kept.values()];
    this.kept.clear();
    await Promise.all(all.map((decoder) => decoder.dispose()));
  }

  private async shrink(more: number): Promise<void> {
    let bytes = [...this.kept.values()].reduce((sum, decoder) => sum + decoder.bytes, more);
    for (const [key, decoder] of this.kept) {
      if (bytes <= this.maxBytes) return;
      if (this.inUse(decoder)) continue;
      bytes -= decoder.bytes;
      this.kept.delete(key);
      await decoder.dispose();
    }
  }
}
