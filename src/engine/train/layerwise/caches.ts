import type { DeviceTensor } from '../../runtime/tensor';
import type { Segment } from '../tape/entries';
import type { TensorPool } from './pool';

/** Keys and values of one layer, or their cotangents: [B, kvHeads, T, d]. */
export interface KeyValueTensors {
  readonly k: DeviceTensor;
  readonly v: DeviceTensor;
}

interface Cache {
  readonly tensors: KeyValueTensors;
  /** Segments whose columns are read from it. */
  readonly holders: Set<Segment>;
}

/**
 * Keys and values of segments by layer, and the cotangents that later segments add to them. A later segment only adds
 * columns, which an earlier one does not see: along one branch the latest cache serves all segments before it. A second
 * branch from a segment gets its own cache.
 */
export class Caches {
  private readonly caches = new Map<Segment, Cache[]>();
  private readonly cotangents = new Map<Segment, KeyValueTensors[]>();

  constructor(private readonly pool: TensorPool) {}

  of(segment: Segment, layer: number): KeyValueTensors {
    return (this.caches.get(segment) as Cache[])[layer]?.tensors as KeyValueTensors;
  }

  /** Keeps what a segment wrote, taking the tensors over from the pool. */
  write(segment: Segment, layer: number, tensors: KeyValueTensors): void {
    const { after } = segment;
    const before = after && this.caches.get(after)?.[layer];
    const lineage = new Set<Segment>(segment.lineage);
    const holders = new Set([segment]);
    if (before && [...before.holders].every((holder) => lineage.has(holder))) {
      this.pool.give(before.tensors.k, before.tensors.v);
      for (const holder of before.holders) holders.add(holder);
    }
    const cache = { tensors, holders };
    for (const holder of holders) {
      const layers = this.caches.get(holder) ?? [];
      layers[layer] = cache;
      this.caches.set(holder, layers);
    }
  }

  /** The cotangent of a segment's caches so far; `zeros` if there is none. */
  cotangent(segment: Segment, layer: number, zeros: DeviceTensor): KeyValueTensors {
    return this.cotangents.get(segment)?.[layer] ?? { k: zeros, v: zeros };
  }

  /** Replaces a sum by the one made from it. */
  setCotangent(segment: Segment, layer: number, sum: KeyValueTensors): void {
    const layers = this.cotangents.get(segment) ?? [];
    this.pool.give(layers[layer]?.k, layers[layer]?.v);
    layers[layer] = sum;
    this.cotangents.set(segment, layers);
  }

  /** Nothing will read the segment's keys and values any more. */
  leave(segment: Segment): void {
    for (const { tensors, holders } of this.caches.get(segment) ?? []) {
      holders.delete(segment);
      if (holders.size === 0) this.pool.give(tensors.k, tensors.v);
    }
    for (const { k, v } of this.cotangents.get(segment) ?? []) this.pool.give(k, v);
    this.caches.delete(segment);
    this.cotangents.delete(segment);
  }
}
