/** The golden training steps of scripts/goldens/lori as our specifications, weights, packs and feeds. */

import type { HostTensor } from '../base/dtype';
import { HIDDEN, type TokenBatch, type TokenLayout } from '../base/tokens';
import { loadCheckpoint } from '../checkpoint/load';
import { ModelOnDevice } from '../model/model-on-device';
import type { DecoderConfig, LinearName } from '../nn/config';
import { type LoraSpec, loraLayout } from '../nn/lora';
import { expectedTensors, packWeights, type Weights } from '../nn/weights';
import { anchorLoss } from '../recipes/shared/losses/anchor';
import { momentLoss } from '../recipes/shared/losses/moments';
import { smoothL1Loss } from '../recipes/shared/losses/smooth-l1';
import { tokenFeeds } from '../recipes/shared/token-inputs';
import type { Runtime } from '../runtime/runtime';
import { type Golden, readGolden, readGoldenModel } from '../testing/golden.testing';
import type { StateLoss } from './losses/state-loss';
import type { Tape } from './tape/tape';
import { tinyRecording } from './tiny.testing';

const LINEARS: readonly LinearName[] = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];

export type Family = 'llama' | 'qwen2';
export type Method = 'lori-softmax' | 'lori-hidden' | 'codi' | 'ce' | 'nocot';

export interface GoldenStep {
  readonly golden: Golden;
  readonly config: DecoderConfig;
  readonly lora: LoraSpec;
  readonly weights: Weights;
  readonly packs: readonly Float32Array<ArrayBuffer>[];
  readonly feeds: Record<string, HostTensor>;
  tape(config: DecoderConfig): Tape;
  model(runtime: Runtime): ModelOnDevice;
  /** Weighted terms in the step's order, and the gradient of each adapter by name. */
  readonly terms: (names: readonly string[]) => number[];
}

/** Adapters `{prefix}layers.{i}.{linear}.{factor}` → one pack per layer. */
export function packsOf(
  golden: Golden,
  spec: Pick<GoldenStep, 'config' | 'lora'>,
  prefix: string,
): Float32Array<ArrayBuffer>[] {
  const { parts, length } = loraLayout(spec.config, spec.lora);
  return Array.from({ length: spec.config.layers }, (_, i) => {
    const pack = new Float32Array(length);
    for (const { linear, factor, offset } of parts)
      pack.set(golden.f32(`${prefix}layers.${i}.${linear}.${factor}`), offset);
    return pack;
  });
}

export async function readGoldenStep(family: Family, method: Method): Promise<GoldenStep> {
  const golden = readGolden(`step-${family}`);
  const { run, tokens } = golden.meta;
  const model = readGoldenModel(`${family}-student`);
  const { config, weights } = await loadCheckpoint(
    { config: model.config, weights: new Map([['model.safetensors', model.bytes.buffer]]) },
    expectedTensors,
  );
  const shape = (name: string): readonly number[] => golden.tensor(name).shape;
  const [B, S] = shape('batch.questions') as readonly [number, number];
  const layout: TokenLayout = {
    batch: B,
    question: S,
    prompt: tokens.prompt.length,
    answer: shape('batch.answerTargets')[1] as number,
    explicit: shape('batch.explicit')[1] as number,
  };
  const lora: LoraSpec = { rank: run.rank, alpha: run.alpha, targets: LINEARS };
  const losses = lossesOf(golden, method, config.layers, config.hiddenSize);
  const targets = Object.values(losses).flatMap((loss) => loss ?? []);
  const samples = Array.from({ length: B }, (_, b) => b);
  const packed = packWeights(config, weights);
  return {
    ...{ golden, config, lora, weights: packed },
    packs: packsOf(golden, { config, lora }, 'lora.'),
    feeds: Object.assign(tokenFeeds(batchOf(golden, layout)), ...targets.map((loss) => loss.feeds(samples))),
    tape: (own) =>
      tinyRecording(own, {
        ...{ lora, layout, losses },
        latentSteps: method === 'nocot' ? 0 : run.latents,
        filter:
          method === 'lori-hidden' ? { kind: 'hidden' } : { kind: 'softmax', temperature: run.temperature },
        answer: run.answer,
        explicit: method.startsWith('lori') ? run.explicit : 0,
      }),
    model: (runtime) => new ModelOnDevice(runtime, config, packed),
    terms: (names) => names.map((name) => golden.scalar(`${method}.weighted.${name}`)),
  };
}

function lossesOf(
  golden: Golden,
  method: Method,
  L: number,
  H: number,
): { rationale?: StateLoss; anchor?: StateLoss } {
  const { run } = golden.meta;
  const sizes = { layers: L, hidden: H };
  if (method === 'codi') return { anchor: smoothL1Loss(golden.f32('teacher.anchor'), run.codi, sizes) };
  if (!method.startsWith('lori')) return {};
  const inverseScale = golden.f32('teacher.layerScale').map((s) => 1 / s);
  const moments = {
    layerRank: run.layerRank,
    hiddenRank: run.hiddenRank,
    layerFactor: golden
      .f32('teacher.uL')
      .map((u, i) => u * (inverseScale[Math.floor(i / run.layerRank)] as number)),
    hiddenFactor: golden.f32('teacher.uH'),
    perSample: false,
    mean: golden.f32('teacher.mu'),
    covariance: golden.f32('teacher.c'),
  };
  const anchor = {
    rank: run.anchorHiddenRank,
    hiddenFactor: golden.f32('teacher.anchorUH'),
    projected: golden.f32('teacher.anchorTarget'),
    inverseScale,
  };
  return { rationale: momentLoss(moments, run, sizes), anchor: anchorLoss(anchor, run.anchor, sizes) };
}

function batchOf(
  golden: Golden,
  { batch: B, question: S, prompt: P, answer: A, explicit: R }: TokenLayout,
): TokenBatch {
  const ids = (name: string, columns: number, kept = columns): HostTensor => {
    const all = golden.i32(`batch.${name}`);
    const data = new Int32Array(B * kept);
    for (let b = 0; b < B; b++) data.set(all.subarray(b * columns, b * columns + kept), b * kept);
    return { dtype: 'i32', shape: [B, kept], data };
  };
  const weights = (name: string, columns: number): HostTensor => {
    const mask = golden.f32(`batch.${name}Mask`);
    const count = mask.reduce((n, x) => n + x, 0);
    return { dtype: 'f32', shape: [B, columns], data: mask.map((x) => x / count) };
  };
  const keyMask = golden.f32('batch.questionsMask').map((seen) => (seen ? 0 : HIDDEN));
  const { rationales } = golden.meta.tokens as { rationales: number[][] };
  const anchors = Int32Array.from(rationales, (own) => own.length + P - 1);
  return {
    question: { ids: ids('questions', S), keyMask: { dtype: 'f32', shape: [B, 1, 1, S], data: keyMask } },
    answer: {
      ids: ids('answerInputs', P + A - 1),
      targets: ids('answerTargets', A),
      weights: weights('answerTargets', A),
    },
    explicit: {
      ids: ids('explicit', R, R - 1),
      targets: ids('explicit', R),
      weights: weights('explicit', R),
      anchors: { dtype: 'i32', shape: [B], data: anchors },
    },
    // Not read by any recipe of these goldens.
    reply: { targets: ids('answerTargets', A), weights: weights('answerTargets', A) },
  };
}

/** Gradients of packs, adapter by adapter, against the golden ones: relative error of each. */
export function adapterErrors(
  golden: Golden,
  spec: Pick<GoldenStep, 'config' | 'lora'>,
  prefix: string,
  packs: readonly ArrayLike<number>[],
): { name: string; error: number; norm: number }[] {
  const { parts } = loraLayout(spec.config, spec.lora);
  return packs.flatMap((pack, i) =>
    parts.map(({ linear, factor, offset }) => {
      const name = `layers.${i}.${linear}.${factor}`;
      const { data } = golden.tensor(prefix + name);
      let [difference, norm] = [0, 0];
      data.forEach((x, j) => {
        difference += ((pack[offset + j] as number) - x) ** 2;
        norm += x * x;
      });
      return { name, error: Math.sqrt(difference / norm), norm: Math.sqrt(norm) };
    }),
  );
}
