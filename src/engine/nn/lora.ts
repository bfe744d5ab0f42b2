import { BUG, ConfigError } from '../base/errors';
import type { Rng } from '../base/rng';
import type { Graph, Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { type DecoderConfig, type GroupName, groupsOf, type LinearName, linearSizes } from './config';

/**
 * Low-rank adapters: W → W + (alpha/r)·B·A with A [r, in], B [out, r]. All of a layer's factors are one flat vector
 * (its *pack*), so that a training step has one parameter and one gradient per layer, whatever is adapted.
 */
export interface LoraSpec {
  readonly rank: number;
  readonly alpha: number;
  readonly targets: readonly LinearName[];
  /** p of its inputs while it is trained, see dropout.ts; default 0. */
  readonly dropout?: number;
}

/** One factor's place in the pack. */
export interface LoraPart {
  readonly linear: LinearName;
  readonly factor: 'A' | 'B';
  readonly offset: number;
  readonly shape: readonly [number, number];
}

/**
 * Order: group by group; the As of a group come first (they are one product), then its Bs. Targets that the model does not
 * have (`gate` in GPT-2) are passed over.
 * @throws ConfigError if it has none of them
 */
export function loraLayout(config: DecoderConfig, spec: LoraSpec): { parts: LoraPart[]; length: number } {
  if (!(Number.isInteger(spec.rank) && spec.rank > 0))
    throw new ConfigError(
      `LoRA rank ${spec.rank}; a positive integer is expected`,
      'Choose a rank of 1 or more.',
    );
  const sizes = linearSizes(config);
  const parts: LoraPart[] = [];
  let offset = 0;
  const push = (linear: LinearName, factor: 'A' | 'B', shape: readonly [number, number]): void => {
    parts.push({ linear, factor, offset, shape });
    offset += shape[0] * shape[1];
  };
  for (const [, all] of groupsOf(config)) {
    const linears = all.filter((name) => spec.targets.includes(name));
    for (const name of linears) push(name, 'A', [spec.rank, sizes[name].in]);
    for (const name of linears) push(name, 'B', [sizes[name].out, spec.rank]);
  }
  if (offset === 0)
    throw new ConfigError(
      `the adapter’s target modules are ${spec.targets.join(', ') || 'none'}; this model has ${groupsOf(
        config,
      )
        .flatMap(([, names]) => names)
        .join(', ')}`,
      'Choose at least one target module that the model has.',
    );
  return { parts, length: offset };
}

/** A fresh pack: A uniform in ±1/√in (as in torch's Linear), B zero, so that the student starts as the base. */
export function initialPack(config: DecoderConfig, spec: LoraSpec, rng: Rng): Float32Array<ArrayBuffer> {
  const { parts, length } = loraLayout(config, spec);
  const pack = new Float32Array(length);
  for (const { factor, offset, shape } of parts) {
    if (factor === 'B') continue;
    const bound = 1 / Math.sqrt(shape[1]);
    for (let j = 0; j < shape[0] * shape[1]; j++) pack[offset + j] = (2 * rng.uniform() - 1) * bound;
  }
  return pack;
}

/** The adapter of one group of linears: y += (alpha/r)·(x·Aᵀ)·Bᵀ, A and B packed like the weight they adapt. */
export interface LoraGroup {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly scale: number;
  /** Multiplies the input, [B, P, in]. */
  readonly mask?: Tensor;
}

/** A layer's adapters in a graph. Differentiate with respect to `leaves`; `pack` packs their gradients again. */
export interface LoraTensors {
  readonly groups: Partial<Record<GroupName, LoraGroup>>;
  readonly leaves: readonly Tensor[];
  pack(gradients: readonly Tensor[]): Tensor;
}

/**
 * Slices a pack [length] into its factors. Differentiating with respect to these leaves rather than the pack saves one
 * padded sum over the whole pack per factor.
 */
export function unpackLora(graph: Graph, config: DecoderConfig, spec: LoraSpec, packed: Tensor): LoraTensors {
  const { parts, length } = loraLayout(config, spec);
  const sizes = linearSizes(config);
  const part = (from: number, shape: readonly [number, number]): Tensor =>
    o.reshape(o.slice(packed, 0, from, from + shape[0] * shape[1]), shape);
  const groups: Partial<Record<GroupName, LoraGroup>> = {};
  const leaves: Tensor[] = [];
  for (const [group, linears] of groupsOf(config)) {
    const own = parts.filter((p) => linears.includes(p.linear));
    const as = own.filter((p) => p.factor === 'A');
    const first = as[0];
    if (!first) continue;
    const columns = as.length * spec.rank;
    const a = part(first.offset, [columns, first.shape[1]]);
    const bs = new Map(own.filter((p) => p.factor === 'B').map((p) => [p.linear, part(p.offset, p.shape)]));
    leaves.push(a, ...bs.values());
    // B is block-diagonal over the group's linears: rows of a linear, columns of its own A.
    let column = 0;
    const rows = linears.map((name) => {
      const b = bs.get(name);
      if (!b) return graph.constant(new Float32Array(sizes[name].out * columns), [sizes[name].out, columns]);
      const padded = o.pad(b, 1, column, columns - column - spec.rank);
      column += spec.rank;
      return padded;
    });
    groups[group] = { a, b: o.concat(rows, 0), scale: spec.alpha / spec.rank };
  }
  return {
    groups,
    leaves,
    pack: (gradients) => {
      const flat = gradients.map((g) => o.reshape(g, [g.shape.reduce((n, d) => n * d, 1)]));
      const joined = o.concat(flat, 0);
      if (joined.shape[0] !== length)
        throw new ConfigError(`gradients of ${joined.shape[0]} values for a pack of ${length}`, BUG);
      return joined;
    },
  };
}
