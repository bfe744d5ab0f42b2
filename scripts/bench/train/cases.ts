import type { HostTensor } from '../../../src/engine/base/dtype';
import { Rng } from '../../../src/engine/base/rng';
import type { TokenLayout } from '../../../src/engine/base/tokens';
import type { DecoderConfig } from '../../../src/engine/nn/config';
import { loraLayout } from '../../../src/engine/nn/lora';
import { expectedTensors, packWeights, type Weights } from '../../../src/engine/nn/weights';
import { tokenFeeds } from '../../../src/engine/recipes/shared/token-inputs';
import type { Tape } from '../../../src/engine/train/tape/tape';
import { normals, randomBatch, tinyRecording } from '../../../src/engine/train/tiny.testing';

/** The step that is timed: question, K latent steps with a KV cache, answer; cross entropy on the answer. */
const LATENT_STEPS = 5;
export const LORA = { rank: 8, alpha: 16, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] } as const;

/** H hidden, L layers, I intermediate, V vocabulary; B samples of S question columns and A answer tokens. */
type CaseSizes = {
  readonly H: number;
  readonly L: number;
  readonly I: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly V: number;
  readonly B: number;
  readonly S: number;
  readonly A: number;
  readonly bias?: boolean;
};

export interface Case {
  readonly name: string;
  readonly sizes: CaseSizes;
  /** Minimum ratio of jax-js's time (the better of its two modes) to ours, by number of threads; no gate if absent. */
  readonly gates: Readonly<Record<number, number>>;
}

export const CASES: readonly Case[] = [
  {
    name: 'mini',
    sizes: { H: 64, L: 2, I: 176, heads: 4, kvHeads: 2, V: 256, B: 4, S: 24, A: 8 },
    gates: { 1: 8 },
  },
  {
    name: 'tiny',
    sizes: { H: 128, L: 4, I: 352, heads: 4, kvHeads: 2, V: 512, B: 8, S: 48, A: 12 },
    gates: { 1: 4, 2: 7 },
  },
  {
    name: 'mid',
    sizes: { H: 256, L: 4, I: 704, heads: 8, kvHeads: 4, V: 1024, B: 8, S: 48, A: 12 },
    gates: { 1: 2.8, 2: 5 },
  },
  {
    // Qwen2.5-0.5B's width, with a vocabulary that does not dominate the layers.
    name: 'qwen',
    sizes: { H: 896, L: 2, I: 4864, heads: 14, kvHeads: 2, V: 2048, B: 1, S: 48, A: 12, bias: true },
    gates: { 1: 1.4, 2: 2.3 },
  },
  {
    name: 'deep',
    sizes: { H: 32, L: 24, I: 64, heads: 4, kvHeads: 2, V: 64, B: 2, S: 8, A: 4 },
    gates: { 1: 100, 2: 100 },
  },
];

/** By letter, for a report; `bias` of queries, keys and values. */
export type Sizes = Readonly<Record<string, number | boolean>>;

/** `H 128, L 4, …` */
export const showSizes = ({ bias, ...sizes }: Sizes): string =>
  Object.entries(sizes)
    .map(([letter, value]) => `${letter} ${value}`)
    .join(', ') + (bias ? ', q/k/v bias' : '');

export interface Problem {
  readonly config: DecoderConfig;
  tape(config: DecoderConfig): Tape;
  readonly weights: Weights;
  /** What is trained, in the order of the tape's parameters: LoRA factors, one pack per layer, or the weights. */
  readonly packs: readonly Float32Array<ArrayBuffer>[];
  readonly feeds: Record<string, HostTensor>;
}

/** The same weights, adapters and tokens in every realm, because they come from a seed. */
export function problemOf({ sizes }: Case): Problem {
  const { H, L, I, heads, kvHeads, V, B, S, A } = sizes;
  const config: DecoderConfig = {
    hiddenSize: H,
    intermediateSize: I,
    layers: L,
    heads,
    kvHeads,
    headDim: H / heads,
    vocabSize: V,
    normEps: 1e-5,
    ropeTheta: 10000,
    tieWordEmbeddings: true,
    attentionBias: sizes.bias ?? false,
    attentionOutputBias: false,
    mlpBias: false,
  };
  const layout: TokenLayout = { batch: B, question: S, prompt: 1, answer: A, explicit: 2 };
  const rng = new Rng(17);
  const { parts, length } = loraLayout(config, LORA);
  const packs = Array.from({ length: L }, (_, i) => {
    const stream = rng.fork(`pack ${i}`);
    const pack = new Float32Array(length);
    for (const { factor, offset, shape } of parts)
      pack.set(normals(stream, shape[0] * shape[1], factor === 'A' ? 1 / Math.sqrt(shape[1]) : 0.05), offset);
    return pack;
  });
  const batch = randomBatch(layout, V, rng.fork('batch'));
  return {
    config,
    tape: (own) =>
      tinyRecording(own, {
        ...{ lora: LORA, layout, latentSteps: LATENT_STEPS, losses: {}, answer: 1, explicit: 0 },
        filter: { kind: 'softmax', temperature: 1 },
      }),
    weights: initialWeights(config, rng.fork('weights')),
    packs,
    feeds: tokenFeeds(batch),
  };
}

/** Scaled so that hidden states and logits are of order 1: float32 sums in another order then agree to 1e-5. */
function initialWeights(config: DecoderConfig, rng: Rng): Weights {
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape } of expectedTensors(config)) {
    const size = shape.reduce((n, d) => n * d, 1);
    const data = normals(rng, size, shape.length === 2 ? 1 / Math.sqrt(shape[1] as number) : 0.1);
    if (name.includes('norm')) for (let i = 0; i < size; i++) data[i] = 1 + (data[i] as number);
    tensors.set(name, { dtype: 'f32', shape, data });
  }
  return packWeights(config, tensors);
}
