import type { Decoder } from '../../decode/decoder';

/** What the decoders kept for the next question may take together; one in use is kept whatever it takes. */
export const MAX_DECODER_BYTES = 256 * 2 ** 20;

/** Decoders by what they are for, the least recently used first: those beyond the limit go. */
export class DecoderCache {
  private readonly kept = new Map<string, Decoder>();

  constructor(
    private readonly inUse: (decoder: Decoder) => boolean,
    private readonly maxBytes = MAX_DECODER_BYTES,
  ) {}

  get size(): number {
    return this.kept.size;
  }

  /** The decoder of that name, made where there is none. It stays the cache's, and is the last to go. */
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
