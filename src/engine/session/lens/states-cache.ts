import type { GatheredStates } from '../../analysis/gathered';
import type { ResolvedSubject } from '../models/subjects';

/**
 * Hidden states of recent requests: another stack, control or lower layer of the same ones does not run the model again. States of more
 * layers serve requests for fewer.
 */
export class StatesCache {
  /** Least recently used first. */
  private readonly entries = new Map<string, { kind: ResolvedSubject['kind']; states: GatheredStates }>();

  /** @param layers how many of the first, at least */
  get(key: string, layers: number): GatheredStates | undefined {
    const entry = this.entries.get(key);
    if (!entry || entry.states.layers < layers) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.states;
  }

  put(key: string, kind: ResolvedSubject['kind'], states: GatheredStates): void {
    this.entries.delete(key);
    this.entries.set(key, { kind, states });
  }

  has(key: string, layers: number): boolean {
    return (this.entries.get(key)?.states.layers ?? 0) >= layers;
  }

  /**
   * Drops entries, least recently used first, until they take at most `maxBytes` besides what is needed. Those that are needed go last,
   * and only for layers that they have besides; those of too few layers are not needed.
   * @param needed by key, how many layers
   */
  shrink(needed: ReadonlyMap<string, number>, maxBytes: number): void {
    const all = [...this.entries].map(([key, { states }]) => {
      const layers = needed.get(key);
      const serves = layers !== undefined && states.layers >= layers;
      const bytes = bytesOf(states) * (serves ? 1 - layers / states.layers : 1);
      return { key, serves, bytes };
    });
    let left = all.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const { key, bytes } of [...all.filter((one) => !one.serves), ...all.filter((one) => one.serves)]) {
      if (left <= maxBytes) return;
      if (bytes === 0) continue;
      this.entries.delete(key);
      left -= bytes;
    }
  }

  /** Drops the hidden states of one kind of subject, or all. */
  drop(kind?: ResolvedSubject['kind']): void {
    for (const [key, entry] of this.entries)
      if (kind === undefined || entry.kind === kind) this.entries.delete(key);
  }

  get bytes(): number {
    return [...this.entries.values()].reduce((sum, { states }) => sum + bytesOf(states), 0);
  }
}

const bytesOf = ({ samples }: GatheredStates): number =>
  samples.reduce((sum, { states }) => sum + states.byteLength, 0);
