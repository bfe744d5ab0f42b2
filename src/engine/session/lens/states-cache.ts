import type { GatheredStates } from '../../analysis/gathered';
import type { ResolvedSubject } from '../models/subjects';

/** Hidden states of recent requests: another stack, layer or control of the same ones does not run the model again. */
export class StatesCache {
  /** Least recently used first. */
  private readonly entries = new Map<string, { kind: ResolvedSubject['kind']; states: GatheredStates }>();

  get(key: string): GatheredStates | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.states;
  }

  put(key: string, kind: ResolvedSubject['kind'], states: GatheredStates): void {
    this.entries.set(key, { kind, states });
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  /** Drops entries outside `needed`, least recently used first, until the rest take at most `maxBytes`. */
  shrink(needed: ReadonlySet<string>, maxBytes: number): void {
    const others = [...this.entries].filter(([key]) => !needed.has(key));
    let bytes = others.reduce((sum, [, { states }]) => sum + bytesOf(states), 0);
    for (const [key, { states }] of others) {
      if (bytes <= maxBytes) return;
      this.entries.delete(key);
      bytes -= bytesOf(states);
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
