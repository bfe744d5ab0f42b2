/** Random tiny students for tests: nothing is zero, questions are left-padded, targets are right-padded. */
import type { HostTensor } from '../base/dtype';
import { Rng } from '../base/rng';
import { HIDDEN, type TokenBatch, type TokenLayout } from '../base/tokens';
import { ModelOnDevice } from '../model/model-on-device';
import type { DecoderConfig } from '../nn/config';
import type { Feedback } from '../nn/feedback';
import { type LoraSpec, loraLayout } from '../nn/lora';
import { ParameterSet } from '../nn/parameter-set';
import { expectedTensors, packWeights, type Weights } from '../nn/weights';
import { anchorLoss } from '../recipes/shared/losses/anchor';
import { momentLoss } from '../recipes/shared/losses/moments';
import { smoothL1Loss } from '../recipes/shared/losses/smooth-l1';
import { anchorOf, answerAfter, explicitAfter, readQuestion, STUDENT, think } from '../recipes/shared/passes';
import { tokenFeeds } from '../recipes/shared/token-inputs';
import type { Runtime } from '../runtime/runtime';
import type { StateLoss } from './losses/state-loss';
import type { TapeRun } from './step';
import { Tape } from './tape/tape';

export const TINY_CONFIG: DecoderConfig = {
  hiddenSize: 12,
  intermediateSize: 20,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  vocabSize: 23,
  normEps: 1e-5,
  ropeTheta: 100,
  tieWordEmbeddings: true,
  attentionBias: false,
  attentionOutputBias: false,
  mlpBias: false,
};
/**
 * Qwen2's differences: biases on q, k, v and a head of its own; and a head size other than H divided by the
 * heads.
 */
export const TINY_QWEN: DecoderConfig = {
  ...TINY_CONFIG,
  hiddenSize: 10,
  headDim: 6,
  attentionBias: true,
  tieWordEmbeddings: false,
};
/** Qwen3's: a norm of each head's queries and keys. And Llama 3's scaling of RoPE, with wavelengths in all three bands. */
export const TINY_QWEN3: DecoderConfig = {
  ...TINY_CONFIG,
  headDim: 6,
  qkNorm: true,
  ropeScaling: { type: 'llama3', factor: 4, lowFreqFactor: 1, highFreqFactor: 3, originalMaxPositions: 100 },
};
/** GPT-2's: LayerNorm, learned positions, biases everywhere, an MLP without a gate, transposed and fused weights. */
export const TINY_GPT2: DecoderConfig = {
  ...TINY_CONFIG,
  kvHeads: 4,
  headDim: 3,
  maxPositions: 32,
  norm: 'layer',
  positions: 'learned',
  activation: 'gelu_new',
  weightNames: 'gpt2',
  attentionBias: true,
  attentionOutputBias: true,
  mlpBias: true,
};
export const TINY_LAYOUT: TokenLayout = { batch: 3, question: 7, prompt: 3, answer: 4, explicit: 9 };

export type Losses = 'lori' | 'codi' | 'ce';

export interface TinyOptions {
  readonly config?: DecoderConfig;
  readonly layout?: TokenLayout;
  readonly latentSteps?: number;
  readonly losses?: Losses;
  readonly explicit?: boolean;
  readonly filter?: 'softmax' | 'hidden';
  readonly perSample?: boolean;
  readonly targets?: LoraSpec['targets'];
  readonly dropout?: number;
  readonly seed?: number;
}

export interface TinyStep {
  readonly config: DecoderConfig;
  readonly lora: LoraSpec;
  readonly layout: TokenLayout;
  readonly weights: Weights;
  readonly packs: readonly Float32Array<ArrayBuffer>[];
  readonly feeds: Record<string, HostTensor>;
  /** Records the step for the model's configuration on a device. */
  tape(config?: DecoderConfig): Tape;
  model(runtime: Runtime): ModelOnDevice;
}

export const normals = (rng: Rng, length: number, scale = 1): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, () => scale * rng.normal());

export function randomWeights(config: DecoderConfig, rng: Rng): Weights {
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape } of expectedTensors(config)) {
    const size = shape.reduce((n, d) => n * d, 1);
    const data = normals(
      rng,
      size,
      shape.length === 2 && !/embed|wte|wpe/.test(name) ? 1.2 / Math.sqrt(shape[1] as number) : 0.6,
    );
    if (/(norm|ln_\w)\.weight$/.test(name))
      for (let i = 0; i < size; i++) data[i] = 1 + 0.3 * (data[i] as number);
    tensors.set(name, { dtype: 'f32', shape, data });
  }
  return packWeights(config, tensors);
}

export function randomBatch(layout: TokenLayout, vocab: number, rng: Rng): TokenBatch {
  const { batch: B, question: S, prompt: P, answer: A, explicit: R } = layout;
  const ids = (rows: number, columns: number): HostTensor => ({
    dtype: 'i32',
    shape: [rows, columns],
    data: Int32Array.from({ length: rows * columns }, () => rng.integer(0, vocab - 1)),
  });
  const keyMask = new Float32Array(B * S);
  for (let b = 0; b < B; b++) keyMask.fill(HIDDEN, b * S, b * S + (b % (S - 1)));
  const weightsOf = (columns: number): HostTensor => {
    const data = new Float32Array(B * columns);
    let count = 0;
    for (let b = 0; b < B; b++)
      for (let j = 0; j < columns - (b % 2); j++, count++) data[b * columns + j] = 1;
    return { dtype: 'f32', shape: [B, columns], data: data.map((w) => w / count) };
  };
  const anchors = Int32Array.from({ length: B }, (_, b) => R - A - (b % 2));
  return {
    question: { ids: ids(B, S), keyMask: { dtype: 'f32', shape: [B, 1, 1, S], data: keyMask } },
    answer: { ids: ids(B, P + A - 1), targets: ids(B, A), weights: weightsOf(A) },
    explicit: {
      ...{ ids: ids(B, R - 1), targets: ids(B, R), weights: weightsOf(R) },
      anchors: { dtype: 'i32', shape: [B], data: anchors },
    },
    reply: { targets: ids(B, P + A), weights: weightsOf(P + A) },
  };
}

function stateLosses(
  kind: Losses,
  config: DecoderConfig,
  samples: number,
  perSample: boolean,
  rng: Rng,
): { rationale?: StateLoss; anchor?: StateLoss } {
  const { layers: L, hiddenSize: H } = config;
  const sizes = { layers: L, hidden: H };
  if (kind === 'ce') return {};
  if (kind === 'codi') return { anchor: smoothL1Loss(normals(rng, samples * L * H), 0.7, sizes) };
  const [rL, rH, rA] = [2, 3, 4];
  const R = rL * rH;
  const factors = perSample ? samples : 1;
  const covariance = new Float32Array(samples * R * R);
  for (let s = 0; s < samples; s++)
    for (let i = 0; i < R; i++)
      for (let j = 0; j <= i; j++) {
        const x = rng.normal();
        covariance[(s * R + i) * R + j] = x;
        covariance[(s * R + j) * R + i] = x;
      }
  const targets = {
    layerRank: rL,
    hiddenRank: rH,
    layerFactor: normals(rng, factors * L * rL, 0.5),
    hiddenFactor: normals(rng, factors * H * rH, 0.3),
    perSample,
    mean: normals(rng, samples * R),
    covariance,
  };
  const anchor = {
    rank: rA,
    hiddenFactor: normals(rng, H * rA, 0.4),
    projected: normals(rng, samples * L * rA),
    inverseScale: Float32Array.from({ length: L }, (_, l) => 1 / (0.5 + l)),
  };
  return {
    rationale: momentLoss(targets, { covariance: 0.05, mean: 0.4 }, sizes),
    anchor: anchorLoss(anchor, 0.3, sizes),
  };
}

export function tinyStep(options: TinyOptions = {}): TinyStep {
  const {
    config = TINY_CONFIG,
    layout = TINY_LAYOUT,
    latentSteps = 3,
    losses = 'lori',
    perSample = false,
  } = options;
  const rng = new Rng(options.seed ?? 5);
  const samples = layout.batch + 2;
  const filter: Feedback =
    options.filter === 'hidden' ? { kind: 'hidden' } : { kind: 'softmax', temperature: 0.7 };
  const explicit = options.explicit ?? true;
  const lora: LoraSpec = {
    rank: 2,
    alpha: 3,
    targets: options.targets ?? ['q', 'k', 'v', 'o', 'gate', 'up', 'down'],
    ...(options.dropout !== undefined && { dropout: options.dropout }),
  };
  const found = stateLosses(losses, config, samples, perSample, rng.fork('losses'));
  const { parts, length } = loraLayout(config, lora);
  const packs = Array.from({ length: config.layers }, (_, i) => {
    const stream = rng.fork(`pack ${i}`);
    const pack = new Float32Array(length);
    for (const { factor, offset, shape } of parts)
      pack.set(
        normals(stream, shape[0] * shape[1], factor === 'A' ? 0.5 / Math.sqrt(shape[1]) : 0.3),
        offset,
      );
    return pack;
  });
  const batch = randomBatch(layout, config.vocabSize, rng.fork('batch'));
  const picked = Array.from({ length: layout.batch }, (_, b) => (b * 2 + 1) % samples);
  const weights = randomWeights(config, rng.fork('weights'));
  const targets = Object.values(found).flatMap((loss) => loss ?? []);
  return {
    ...{ config, lora, layout, weights, packs },
    feeds: Object.assign(tokenFeeds(batch), ...targets.map((loss) => loss.feeds(picked))),
    model: (runtime) => new ModelOnDevice(runtime, config, weights),
    tape: (own = config) =>
      tinyRecording(own, {
        ...{ lora, layout, latentSteps, filter, seed: options.seed ?? 5 },
        losses: found,
        answer: 0.9,
        explicit: explicit ? 0.6 : 0,
      }),
  };
}

/** Explicit pass, thoughts, answer and losses on states, as the recipes record them. */
export function tinyRecording(
  config: DecoderConfig,
  step: {
    readonly lora: LoraSpec;
    readonly layout: TokenLayout;
    readonly latentSteps: number;
    readonly filter: Feedback;
    readonly losses: { readonly rationale?: StateLoss; readonly anchor?: StateLoss };
    readonly answer: number;
    readonly explicit: number;
    /** Of the dropout masks. */
    readonly seed?: number;
  },
): Tape {
  const { layout, losses } = step;
  const tape = new Tape(
    new ParameterSet(config, { [STUDENT]: { kind: 'lora', ...step.lora } }),
    layout.batch,
    step.seed,
  );
  const question = readQuestion(tape, layout);
  explicitAfter(tape, question, layout, step.explicit);
  const thoughts = think(tape, question, step.latentSteps, step.filter);
  tape.stateLoss(losses.rationale, tape.stack(thoughts));
  const answer = answerAfter(tape, thoughts.at(-1) ?? question, layout, step.answer);
  tape.stateLoss(losses.anchor, answer.at(anchorOf(layout)));
  return tape;
}

/** A step compiled on a model made for it, which is disposed of with it. */
export async function made(
  tiny: Pick<TinyStep, 'model'> & { tape(config: DecoderConfig): Tape },
  runtime: Runtime,
  compile: (model: ModelOnDevice, tape: Tape) => Promise<TapeRun>,
): Promise<TapeRun> {
  const model = tiny.model(runtime);
  try {
    const run = await compile(model, tiny.tape(model.config));
    return { ...run, dispose: () => run.dispose().then(() => model.release()) };
  } catch (error) {
    await model.release();
    throw error;
  }
}

/** ‖actual − expected‖ / ‖expected‖; NaN if their lengths differ. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.NaN;
  let [difference, norm] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    difference += ((actual[i] as number) - (expected[i] as number)) ** 2;
    norm += (expected[i] as number) ** 2;
  }
  return Math.sqrt(difference / norm);
}
