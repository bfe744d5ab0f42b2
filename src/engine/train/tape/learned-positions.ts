import type { Shape } from '../../base/shape';
import type { Graph, Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import { atPositions, leftPadding } from '../../nn/positions';
import type { Computed, Segment, SegmentOptions, Trace, Value } from './entries';

/** What is needed of a tape. */
interface Recorder {
  readonly batch: number;
  compute(name: string, shape: Shape, inputs: readonly Value[], trace: Trace): Computed;
  detach(value: Computed): Computed;
}

/** How far a segment reaches, [B, 1] each as float32; a number where it is the same in every sample. */
interface Reach {
  /** Hidden columns before each sample's first token. */
  readonly padding: Computed | undefined;
  /** The last position. */
  readonly end: Computed | number;
}

/**
 * Input embeddings with the vectors of their positions added, for models whose positions are learned. Positions count from
 * a sample's first token. Each segment's last position is made from the one before it, so that latents, one position each, share
 * their programs whatever their number.
 */
export class LearnedPositions {
  private readonly reaches = new Map<Segment, Reach>();

  constructor(private readonly tape: Recorder) {}

  /** @param x [B·P, H]  @returns what is fed, and what to call `remember` with once the segment is made */
  placed(
    x: Computed,
    { after, mask, positions }: SegmentOptions,
  ): { readonly x: Computed; readonly reach: Reach } {
    const { batch: B } = this.tape;
    const P = (x.shape[0] as number) / B;
    const before = after && this.reaches.get(after);
    const padding = before ? before.padding : mask === undefined ? undefined : this.padding(mask, P);
    if (positions !== undefined) return this.told(x, positions, P, padding);
    const end = this.end(before, padding, P);
    if (typeof end === 'number') {
      const from = end - P + 1;
      const rows = (graph: Graph): Tensor => o.expand(columns(graph, from, P), [B, P]);
      return {
        x: this.tape.compute(`positions ${from} to ${end}`, x.shape, [x], ({ graph, model }, [fed]) =>
          atPositions(model, fed as Tensor, rows(graph)),
        ),
        reach: { padding, end },
      };
    }
    return {
      x: this.tape.compute(
        `positions of ${P}`,
        x.shape,
        [x, this.tape.detach(end)],
        ({ graph, model }, [fed, last]) =>
          atPositions(model, fed as Tensor, o.add(last as Tensor, columns(graph, 1 - P, P))),
      ),
      reach: { padding, end },
    };
  }

  remember(segment: Segment, reach: Reach): void {
    this.reaches.set(segment, reach);
  }

  private padding(mask: string, P: number): Computed {
    const { batch: B } = this.tape;
    return this.tape.compute(`left padding of ${mask}`, [B, 1], [], ({ graph }) =>
      leftPadding(graph.input(mask, [B, 1, 1, P])),
    );
  }

  private end(before: Reach | undefined, padding: Computed | undefined, P: number): Computed | number {
    const shape = [this.tape.batch, 1];
    if (before) {
      if (typeof before.end === 'number') return before.end + P;
      return this.tape.compute(
        `${P} positions on`,
        shape,
        [this.tape.detach(before.end)],
        (_context, [end]) => o.add(end as Tensor, P),
      );
    }
    if (!padding) return P - 1;
    return this.tape.compute(`end of ${P}`, shape, [this.tape.detach(padding)], ({ graph }, [hidden]) =>
      o.sub(graph.scalar(P - 1), hidden as Tensor),
    );
  }

  /** Positions fed by the batch, i32 [B, P], which count columns. */
  private told(
    x: Computed,
    name: string,
    P: number,
    padding: Computed | undefined,
  ): { readonly x: Computed; readonly reach: Reach } {
    const { batch: B } = this.tape;
    const inputs = padding ? [this.tape.detach(padding)] : [];
    const read = (graph: Graph, hidden: Tensor | undefined): Tensor => {
      const own = o.cast(graph.input(name, [B, P], 'i32'), 'f32');
      return hidden ? o.sub(own, hidden) : own;
    };
    return {
      x: this.tape.compute(`positions ${name}`, x.shape, [x, ...inputs], ({ graph, model }, [fed, hidden]) =>
        atPositions(model, fed as Tensor, read(graph, hidden)),
      ),
      reach: {
        padding,
        end: this.tape.compute(`end of ${name}`, [B, 1], inputs, ({ graph }, [hidden]) =>
          o.slice(read(graph, hidden), 1, P - 1, P),
        ),
      },
    };
  }
}

/** [1, P]: from, from + 1, … */
const columns = (graph: Graph, from: number, P: number): Tensor =>
  graph.constant(
    Float32Array.from({ length: P }, (_, p) => from + p),
    [1, P],
  );
