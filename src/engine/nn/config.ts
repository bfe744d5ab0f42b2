/**
 * The parts of the network and their sizes. Letters used in this folder: B samples, S positions of a segment, T keys
 * visible to it, M = B·S rows, H hidden size, I intermediate size, L layers, V vocabulary, d head dimension, r LoRA rank.
 */
import type { DecoderConfig } from '../base/decoder-config';

export type { DecoderConfig };

/** Input and output features of one of a layer's linears. */
export interface LinearSize {
  readonly in: number;
  readonly out: number;
}

export type LinearName = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';

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
export const GROUPS = {
  qkv: ['q', 'k', 'v'],
  o: ['o'],
  gateUp: ['gate', 'up'],
  down: ['down'],
} as const satisfies Record<string, readonly LinearName[]>;
export type GroupName = keyof typeof GROUPS;
export const GROUP_NAMES = Object.keys(GROUPS) as GroupName[];
