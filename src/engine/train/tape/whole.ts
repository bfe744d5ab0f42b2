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
import { BASE, NO_PARAMETERS, packName } from '../../nn/parameters';
import { type Leaves, leaf, ones, reverseOutputs } from '../../nn/programs/reverse';
import { causalMask, runStack, type StackModel, type StackOutput, stackModel } from '../../nn/stack';
import { OUTER_PREFIX } from '../../nn/weights';
import {
  type FunctionEntry,
  type KeyValueLossEntry,
  type Segment,
  segmentInput,
  type TraceContext,
  type Value,
} from './entries';
import { maskInput } from './inputs';
import type { Tape } from './tape';
import { keyValueTerm, valueOf } from './values';

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

  /** The leaves with respect to which each parameter's gradient is taken. */
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
    const input = (name: string, shape: Shape): Tensor =>
      this.graph.input(segmentInput(segment, name), shape);
    const run = this.graph.scope(`segment from ${from}`, () => {
      // A mask over all keys up to the segment's end.
      const keys = input('keyMask', [B, 1, 1, end]);
      const table = [B, 1, P, config.headDim / 2];
      return runStack(this.model, {
        ...{ x: this.value(segment.x), batch: B, positions: P, from, lastOnly },
        mask: P === 1 ? keys : o.add(keys, causalMask(this.graph, P, end)),
        past: after && this.runs.get(after)?.kv,
        attached: Array.from({ length: config.layers }, (_, i) => this.attached(segment, i)),
        ...(rowPositions !== undefined &&
          config.positions !== 'learned' && {
            tables: { cos: input('cos', table), sin: input('sin', table) },
          }),
      });
    });
    this.runs.set(segment, run);
  }

  private keyValueLoss(entry: KeyValueLossEntry): void {
    const own = this.runs.get(entry.own.segment) as StackOutput;
    const teacher = this.runs.get(entry.teacher.segment) as StackOutput;
    const terms = this.model.layers.map((_, i) => {
      const attention = teacher.attention[i] as Tensor;
      const from = { own: own.kv[i] as KeyValues, teacher: { ...(teacher.kv[i] as KeyValues), attention } };
      return keyValueTerm(this.graph, entry, from);
    });
    this.terms.push(terms.reduce((before, term) => o.add(before, term)));
  }

  private value(value: Value): Tensor {
    return valueOf(this.tape, value, {
      result: (entry) => this.result(entry),
      fed: ({ name, shape }) => this.graph.input(name, shape),
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
