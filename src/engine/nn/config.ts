/**
 * The parts of the network and their sizes. Letters used in this folder: B samples, S positions of a segment, T keys
 * visible to it, M = B·S rows, H hidden size, I intermediate size, L layers, V vocabulary, d head dimension, r LoRA rank.
 */
import type { DecoderConfig, RopeScaling } from '../base/decoder-config';

export type { DecoderConfig, RopeScaling };

/** Input and output features of one of a layer's linears. */
export interface LinearSize {
  readonly in: number;
  readonly out: number;
}

export type LinearName = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';

/** By name; an MLP without a gate (`gelu_new`) has no `gate` among its groups. */
export function linearSizes(config: DecoderConfig): Record<LinearName, LinearSize> {
  const { hiddenSize: H, intermediateSize: I, headDim: d } = config;
  return {
    q: { in: H, out: config.heads * d },
    k: { in: H, out: config.kvHeads * d },
    v: { in: H, out: config.kvHeads * d },
    o: { in: config.heads * d, out: H },
    gate: { in: H, out: I },
    up: { in: H, out: I },
    down: { in: I, out: H },
  };
}

/**
 * Linears that read the same input are one product: fewer nodes, larger matrices. The order is that of the rows of the
 * packed weight.
 */
const GROUPS = {
  qkv: ['q', 'k', 'v'],
  o: ['o'],
  gateUp: ['gate', 'up'],
  up: ['up'],
  down: ['down'],
} as const satisfies Record<string, readonly LinearName[]>;
export type GroupName = keyof typeof GROUPS;

/** A layer's groups of linears, in the order of the forward pass. */
export function groupsOf(config: DecoderConfig): [GroupName, readonly LinearName[]][] {
  const first = config.activation === 'gelu_new' ? 'up' : 'gateUp';
  return (['qkv', 'o', first, 'down'] as const).map((name) => [name, GROUPS[name]]);
}
