import type { Shape } from '../../base/shape';
import { Graph, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import {
  type AdapterSpec,
  type AttachedPack,
  type Attachments,
  attachPack,
  joinAttachments,
  packLength,
} from '../../nn/attachments';
import { withDropout } from '../../nn/dropout';
import type { KeyValues } from '../../nn/layer';
import { BASE, NO_PARAMETERS } from '../../nn/parameters';
import { atPositions } from '../../nn/positions';
import { type Leaves, leaf, ones, reverseOutputs } from '../../nn/programs/reverse';
import { causalMask, runStack, type StackModel, type StackOutput, stackModel } from '../../nn/stack';
import { OUTER_PREFIX } from '../../nn/weights';
import { packName } from '../parameters';
import type {
  FunctionEntry,
  InputSpec,
  KeyValueLossEntry,
  KeyValueRange,
  Segment,
  TraceContext,
  Value,
} from './entries';
import { maskInput, segmentInput } from './inputs';
import type { Tape } from './tape';
import { valueOf } from './values';

/**
 * The whole tape as one program, forward and, if there are terms, backward. Inputs are those of `tapeFeeds`, and parameters
 * under their own names. Outputs: `terms` [n], the gradient `gradient.{parameter}` of their sum for every parameter, and
 * the tape's outputs by name.
 * @throws ConfigError if the tape has neither losses nor outputs
 */
export function traceTape(tape: Tape, name: string): Program {
  const whole = new WholeTape(tape);
  return { name, outputs: { ...(whole.terms.length > 0 && whole.backward()), ...whole.outputs } };
}

/** A tape's forward pass as one graph. */
export class WholeTape {
  readonly graph = new Graph();
  /** Weighted terms, [n] for each loss. */
  readonly terms: Tensor[] = [];
  readonly outputs: Record<string, Tensor> = {};
  private readonly model: StackModel;
  /** By adapter and layer. */
  private readonly packs = new Map<string, AttachedPack>();
  private readonly runs = new Map<Segment, StackOutput>();
  private readonly made = new Map<FunctionEntry, Tensor>();
  private readonly context: TraceContext;

  constructor(private readonly tape: Tape) {
    const { config, adapters } = tape.parameters;
    const { graph } = this;
    const { weights } = tape.parameters;
    this.model = stackModel(graph, config, NO_PARAMETERS, [], weights ? BASE : OUTER_PREFIX);
    for (const [adapter, spec] of Object.entries(adapters))
      for (let i = 0; i < config.layers; i++)
        graph.scope(packName(adapter, i), () => {
          const packed = graph.input(packName(adapter, i), [packLength(config, spec)]);
          this.packs.set(packName(adapter, i), attachPack(graph, config, spec, packed));
        });
    const parameter = (name: string): Tensor => graph.input(name, tape.parameters.shape(name));
    this.context = { graph, model: this.model, parameter };
    for (const entry of tape.live) {
      if (entry.kind === 'segment') this.segment(entry);
      if (entry.kind === 'keyValueLoss') this.keyValueLoss(entry);
      if (entry.kind === 'loss') this.terms.push(this.result(entry));
      if (entry.kind === 'output') this.outputs[entry.name] = this.result(entry);
    }
  }

  /** What each parameter's gradient is taken with respect to. */
  get leaves(): Readonly<Record<string, Leaves>> {
    const leaves = this.tape.parameters.all.map(({ name }) => [
      name,
      this.packs.get(name) ?? leaf(this.context.parameter(name)),
    ]);
    return Object.fromEntries(leaves);
  }

  /** `terms`, and the gradient of their sum with respect to every parameter. */
  backward(): Record<string, Tensor> {
    const terms = o.concat(this.terms, 0);
    const gradients = reverseOutputs([ones(terms)], this.leaves);
    const named = Object.entries(gradients).map(([name, x]) => [`gradient.${name}`, x]);
    return { terms, ...Object.fromEntries(named) };
  }

  private segment(segment: Segment): void {
    const { batch: B, parameters } = this.tape;
    const { config } = parameters;
    const { positions: P, from, end, after, lastOnly, rowPositions } = segment;
    const learned = config.positions === 'learned';
    const input = (name: string, shape: Shape): Tensor =>
      this.graph.input(segmentInput(segment, name), shape);
    const run = this.graph.scope(`segment from ${from}`, () => {
      const x = this.value(segment.x);
      // Of all keys up to the segment's end.
      const keys = input('keyMask', [B, 1, 1, end]);
      const table = [B, 1, P, config.headDim / 2];
      return runStack(this.model, {
        ...{ batch: B, positions: P, from, lastOnly },
        x: learned ? atPositions(this.model, x, input('positions', [B, P])) : x,
        mask: P === 1 ? keys : o.add(keys, causalMask(this.graph, P, end)),
        past: after && this.runs.get(after)?.kv,
        attached: Array.from({ length: config.layers }, (_, i) => this.attached(segment, i)),
        ...(rowPositions !== undefined &&
          !learned && { tables: { cos: input('cos', table), sin: input('sin', table) } }),
      });
    });
    this.runs.set(segment, run);
  }

  private keyValueLoss({ range, target, teacher, inputs, trace }: KeyValueLossEntry): void {
    const { graph } = this;
    const keysOf = ({ segment, from, to }: KeyValueRange, i: number) => {
      const { k, v } = (this.runs.get(segment) as StackOutput).kv[i] as KeyValues;
      return { k: o.slice(k, 2, from, to), v: o.slice(v, 2, from, to) };
    };
    const targetOf = (i: number, { name, shape }: InputSpec): Tensor =>
      o.reshape(o.slice(graph.input(name, shape), 0, i, i + 1), shape.slice(1));
    const teacherOf = (i: number, other: KeyValueRange) => {
      const { k, v } = keysOf(other, i);
      const attention = (this.runs.get(other.segment) as StackOutput).attention[i] as Tensor;
      return {
        ...{ k: o.stopGradient(k), v: o.stopGradient(v) },
        attention: o.stopGradient(o.slice(attention, 3, other.from, other.to)),
      };
    };
    const layers = this.model.layers.map((_, i) =>
      trace({
        ...{ graph, own: keysOf(range, i) },
        inputs: inputs.map(({ name, shape }) => graph.input(name, shape)),
        ...(target && { target: targetOf(i, target) }),
        ...(teacher && { teacher: teacherOf(i, teacher) }),
      }),
    );
    const sum = layers.reduce((before, layer) => o.add(before, layer));
    this.terms.push(o.reshape(sum, [1]));
  }

  private value(value: Value): Tensor {
    return valueOf(this.tape, value, {
      result: (entry) => this.result(entry),
      output: ({ segment, layer }) => {
        const rows = (this.runs.get(segment) as StackOutput).hidden[layer] as Tensor;
        return { rows, positions: segment.lastOnly ? segment.all.slice(-1) : segment.all };
      },
    });
  }

  private result(entry: FunctionEntry): Tensor {
    const known = this.made.get(entry);
    if (known) return known;
    const inputs = entry.inputs.map((input) => this.value(input));
    const made = this.graph.scope(entry.name, () => entry.trace(this.context, inputs));
    this.made.set(entry, made);
    return made;
  }

  private attached(segment: Segment, layer: number): Attachments {
    const { batch, parameters } = this.tape;
    const each = segment.adapters.map((name) => {
      const { attachments } = this.packs.get(packName(name, layer)) as AttachedPack;
      const spec = parameters.adapters[name] as AdapterSpec;
      return withDropout(parameters.config, spec, attachments, (group, width) => {
        const mask = segmentInput(segment, maskInput(layer, `${name}.${group}`));
        return this.graph.input(mask, [batch, segment.positions, width]);
      });
    });
    return joinAttachments(each);
  }
}
