import type { DeviceTensor } from '../../runtime/tensor';
import type { Segment } from '../tape/entries';
import type { TensorPool } from './pool';

/** Keys and values of one layer, or their cotangents: [B, kvHeads, T, d]. */
export interface KeyValueTensors {
  readonly k: DeviceTensor;
  readonly v: DeviceTensor;
}

/** The caches, by layer, of segments that follow one another. */
interface Branch {
  readonly layers: KeyValueTensors[];
  readonly segments: Set<Segment>;
  /** The segment that wrote last. */
  tip: Segment;
}

/**
 * Keys and values of segments by layer, and the cotangents that later segments add to them. A later segment only adds
 * columns, which an earlier one does not see: along one branch the latest cache serves all segments before it. A second
 * branch from a segment gets its own cache.
 */
export class Caches {
  private readonly branches = new Map<Segment, Branch>();
  private readonly cotangents = new Map<Segment, KeyValueTensors[]>();

  constructor(private readonly pool: TensorPool) {}

  of(segment: Segment, layer: number): KeyValueTensors {
    return this.branches.get(segment)?.layers[layer] as KeyValueTensors;
  }

  /** Keeps what a segment wrote, taking the tensors over from the pool. */
  write(segment: Segment, layer: number, tensors: KeyValueTensors): void {
    this.put(this.branchOf(segment).layers, layer, tensors);
  }

  /** The cotangent of a segment's caches so far; `zeros` if there is none. */
  cotangent(segment: Segment, layer: number, zeros: DeviceTensor): KeyValueTensors {
    return this.cotangents.get(segment)?.[layer] ?? { k: zeros, v: zeros };
  }

  /** Replaces a sum by the one made from it. */
  setCotangent(segment: Segment, layer: number, sum: KeyValueTensors): void {
    const layers = this.cotangents.get(segment) ?? [];
    this.put(layers, layer, sum);
    this.cotangents.set(segment, layers);
  }

  /** Nothing will read the segment's keys and values any more. */
  leave(segment: Segment): void {
    const branch = this.branches.get(segment);
    branch?.segments.delete(segment);
    const free = [
      ...(branch?.segments.size === 0 ? branch.layers : []),
      ...(this.cotangents.get(segment) ?? []),
    ];
    for (const { k, v } of free) this.pool.give(k, v);
    this.branches.delete(segment);
    this.cotangents.delete(segment);
  }

  private branchOf(segment: Segment): Branch {
    const known = this.branches.get(segment);
    if (known) return known;
    const before = segment.after && this.branches.get(segment.after);
    const continues = before && before.tip === segment.after;
    const branch = continues ? before : { layers: [], segments: new Set<Segment>(), tip: segment };
    branch.segments.add(segment);
    branch.tip = segment;
    this.branches.set(segment, branch);
    return branch;
  }

  private put(layers: KeyValueTensors[], layer: number, tensors: KeyValueTensors): void {
    this.pool.give(layers[layer]?.k, layers[layer]?.v);
    layers[layer] = tensors;
  }
}
