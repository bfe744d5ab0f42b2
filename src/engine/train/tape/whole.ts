import { ConfigError } from '../../base/errors';
import { gradients } from '../../graph/gradient';
import { Graph, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import {
  type AttachedPack,
  type Attachments,
  attachPack,
  joinAttachments,
  packLength,
} from '../../nn/attachments';
import type { KeyValues } from '../../nn/layer';
import {
  causalMask,
  positionOf,
  runStack,
  type StackModel,
  type StackOutput,
  stackModel,
} from '../../nn/stack';
import { packName } from '../parameters';
import type { Computed, ComputeEntry, KeyValueLossEntry, Segment, TraceContext, Value } from './entries';
import type { Tape } from './tape';

/** Names of the rotary-table inputs that are made from the row positions fed as `name`. */
export const tableInputs = (name: string) => ({ cos: `${name}.cos`, sin: `${name}.sin` });

/**
 * The whole tape as one program, forward and, if there are terms, backward. Outputs: `terms` [n], the gradient
 * `gradient.{parameter}` of their sum for every parameter, and the tape's outputs by name. Parameters are inputs under
 * their own names.
 * @throws ConfigError if the tape has neither losses nor outputs
 */
export function traceTape(tape: Tape, name: string): Program {
  const { whole, outputs } = traced(tape);
  const all = whole.terms.length > 0 ? { ...whole.backward(), ...outputs } : outputs;
  if (Object.keys(all).length === 0)
    throw new ConfigError(
      'there is no loss: every weight is 0',
      'Give at least one loss term a weight above 0.',
    );
  return { name, outputs: all };
}

/** The forward pass alone: its weighted terms, and the slices of packs and other parameters that they depend on. */
export function traceLosses(tape: Tape): {
  graph: Graph;
  terms: readonly Tensor[];
  leaves: readonly Tensor[];
} {
  const { whole } = traced(tape);
  return { graph: whole.graph, terms: whole.terms, leaves: whole.leaves.flat() };
}

function traced(tape: Tape): { whole: Whole; outputs: Record<string, Tensor> } {
  const whole = new Whole(tape);
  const outputs: Record<string, Tensor> = {};
  for (const entry of tape.entries)
    if (entry.kind === 'segment') whole.segment(entry);
    else if (entry.kind === 'loss') whole.loss(entry.inputs, entry.trace);
    else if (entry.kind === 'keyValueLoss') whole.keyValueLoss(entry);
    else if (entry.kind === 'output') outputs[entry.name] = whole.value(entry.inputs[0] as Value);
  return { whole, outputs };
}

class Whole {
  readonly graph = new Graph();
  readonly terms: Tensor[] = [];
  private readonly model: StackModel;
  /** By adapter and layer. */
  private readonly packs = new Map<string, AttachedPack>();
  private readonly runs = new Map<Segment, StackOutput>();
  private readonly made = new Map<ComputeEntry, Tensor>();
  private readonly context: TraceContext;

  constructor(private readonly tape: Tape) {
    const { config, adapters } = tape.parameters;
    const { graph } = this;
    this.model = stackModel(graph, config);
    for (const [adapter, spec] of Object.entries(adapters))
      for (let i = 0; i < config.layers; i++)
        graph.scope(packName(adapter, i), () => {
          const packed = graph.input(packName(adapter, i), [packLength(config, spec)]);
          this.packs.set(packName(adapter, i), attachPack(graph, config, spec, packed));
        });
    this.context = {
      graph,
      model: this.model,
      parameter: (name) => graph.input(name, tape.parameters.shape(name)),
    };
  }

  segment(segment: Segment): void {
    const { config } = this.tape.parameters;
    const { graph } = this;
    const { positions, from, after, lastOnly } = segment;
    const past = after && this.runs.get(after)?.kv;
    const run = graph.scope(`segment from ${from}`, () =>
      runStack(this.model, {
        x: this.computed(segment.x),
        batch: this.tape.batch,
        positions,
        from,
        mask: this.mask(segment),
        past,
        lastOnly,
        attached: Array.from({ length: config.layers }, (_, i) => this.attached(segment, i)),
        ...(segment.rowPositions !== undefined &&
          config.positions !== 'learned' && { tables: this.tables(segment) }),
      }),
    );
    this.runs.set(segment, run);
  }

  loss(inputs: readonly Value[], trace: (c: TraceContext, x: readonly Tensor[]) => readonly Tensor[]): void {
    this.graph.scope('loss', () =>
      this.terms.push(
        ...trace(
          this.context,
          inputs.map((value) => this.value(value)),
        ),
      ),
    );
  }

  keyValueLoss({ range, target, trace }: KeyValueLossEntry): void {
    const all = this.graph.input(target.name, target.shape);
    const kv = this.runs.get(range.segment)?.kv as readonly KeyValues[];
    const parts = kv.map(({ k, v }, i) =>
      trace(
        o.slice(k, 2, range.from, range.to),
        o.slice(v, 2, range.from, range.to),
        o.reshape(o.slice(all, 0, i, i + 1), target.shape.slice(1)),
      ),
    );
    this.terms.push(parts.reduce((sum, part) => o.add(sum, part)));
  }

  /** What to differentiate with respect to, by parameter. */
  get leaves(): readonly (readonly Tensor[])[] {
    return this.tape.parameters.all.map(
      ({ name }) => this.packs.get(name)?.leaves ?? [this.context.parameter(name)],
    );
  }

  backward(): Record<string, Tensor> {
    const loss = this.terms.reduce((sum, term) => o.add(sum, term));
    const { all } = this.tape.parameters;
    const { leaves } = this;
    const flat = gradients(loss, leaves.flat());
    const outputs: Record<string, Tensor> = {
      terms: o.concat(
        this.terms.map((term) => o.reshape(term, [1])),
        0,
      ),
    };
    all.forEach(({ name }, i) => {
      const own = flat.splice(0, (leaves[i] as readonly Tensor[]).length);
      outputs[`gradient.${name}`] = this.packs.get(name)?.pack(own) ?? (own[0] as Tensor);
    });
    return outputs;
  }

  value(value: Value): Tensor {
    const x = this.read(value);
    return value.detached ? o.stopGradient(x) : x;
  }

  private read(value: Value): Tensor {
    if (value.kind === 'computed') return this.computed(value);
    if (value.kind === 'finals') {
      const { segment, from, to } = value;
      const last = this.hidden(segment).at(-1) as Tensor;
      return segment.lastOnly ? last : rowsOf(last, this.tape.batch, segment.positions, from, to);
    }
    const parts = value.tracks.flatMap(({ segment, positions }) => this.track(segment, positions));
    return o.reshape(o.concat(parts, 1), value.shape);
  }

  /** Parts of [B, n, L, H], side by side. */
  private track(segment: Segment, positions: readonly number[]): Tensor[] {
    const B = this.tape.batch;
    const { hiddenSize: H, layers: L } = this.tape.parameters.config;
    const hidden = this.hidden(segment);
    if (positions.length === segment.positions && positions.length > 1)
      return [
        o.concat(
          hidden.map((h) => o.reshape(h, [B, positions.length, 1, H])),
          2,
        ),
      ];
    return positions.map((p) => {
      const layers = hidden.map((h) => o.reshape(positionOf(h, B, segment.positions, p), [B, 1, H]));
      return o.reshape(o.concat(layers, 1), [B, 1, L, H]);
    });
  }

  private computed({ entry }: Computed): Tensor {
    const known = this.made.get(entry);
    if (known) return known;
    const made = this.graph.scope(entry.name, () =>
      entry.trace(
        this.context,
        entry.inputs.map((input) => this.value(input)),
      ),
    );
    this.made.set(entry, made);
    return made;
  }

  private hidden(segment: Segment): readonly Tensor[] {
    return (this.runs.get(segment) as StackOutput).hidden;
  }

  private attached(segment: Segment, layer: number): Attachments {
    return joinAttachments(
      segment.adapters.map((name) => (this.packs.get(packName(name, layer)) as AttachedPack).attachments),
    );
  }

  /** Additive, of all keys up to the segment's end. */
  private mask(segment: Segment): Tensor {
    const { graph } = this;
    const keys = keyMask(graph, this.tape.batch, segment);
    return segment.positions === 1 ? keys : o.add(keys, causalMask(graph, segment.positions, segment.end));
  }

  private tables(segment: Segment) {
    const shape = [this.tape.batch, 1, segment.positions, this.tape.parameters.config.headDim / 2];
    const names = tableInputs(segment.rowPositions as string);
    return { cos: this.graph.input(names.cos, shape), sin: this.graph.input(names.sin, shape) };
  }
}

/** [B, 1, 1, keys]: the masks of a lineage side by side, zeros for segments that hide nothing. */
function keyMask(graph: Graph, B: number, segment: Segment): Tensor {
  const masks: Tensor[] = [];
  let open = 0;
  for (const { mask, positions } of segment.lineage) {
    if (mask === undefined) {
      open += positions;
      continue;
    }
    const own = graph.input(mask, [B, 1, 1, positions]);
    masks.push(o.pad(own, 3, open, 0));
    open = 0;
  }
  if (masks.length === 0) return graph.constant(new Float32Array(open), [1, 1, 1, open]);
  return o.pad(o.concat(masks, 3), 3, 0, open);
}

/** Positions [from, to) of each sample of [B·P, H]. */
export function rowsOf(x: Tensor, batch: number, positions: number, from: number, to: number): Tensor {
  if (from === 0 && to === positions) return x;
  const H = x.shape[1] as number;
  return o.reshape(o.slice(o.reshape(x, [batch, positions, H]), 1, from, to), [batch * (to - from), H]);
}
