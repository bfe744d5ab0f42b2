import {
  type Composition,
  compositionFor,
  estimateMemory,
  inHeap,
  type Purpose,
} from '../../../src/contract/memory';
import type { WeightStorage } from '../../../src/contract/weight-storage';
import type { HostTensor } from '../../../src/engine/base/dtype';
import { formOf, keptBytes } from '../../../src/engine/base/kept';
import { Rng } from '../../../src/engine/base/rng';
import type { TokenLayout } from '../../../src/engine/base/tokens';
import { initialWeights } from '../../../src/engine/model/initial-weights';
import type { DecoderConfig } from '../../../src/engine/nn/config';
import { ParameterSet } from '../../../src/engine/nn/parameter-set';
import { answerAfter, readQuestion, STUDENT, think } from '../../../src/engine/recipes/shared/passes';
import { tokenFeeds } from '../../../src/engine/recipes/shared/token-inputs';
import { createRuntime } from '../../../src/engine/runtime/runtime';
import { DeviceModels } from '../../../src/engine/session/models/device-models';
import { refuseUnlessFits, sizesOf } from '../../../src/engine/session/models/fits';
import { openModel } from '../../../src/engine/session/models/opened';
import { storedAs } from '../../../src/engine/session/models/weight-storage';
import { compileWhole } from '../../../src/engine/train/compile-whole';
import { compileLayerwise } from '../../../src/engine/train/layerwise/compile';
import { hostOptimiser } from '../../../src/engine/train/optimiser';
import { Tape } from '../../../src/engine/train/tape/tape';
import { randomBatch } from '../../../src/engine/train/tiny.testing';
import { checkpointFiles, readBlob } from '../../../src/lab/subjects';
import { memoryTaken } from '../checkpoints/memory';
import { fineTuningTape } from './problem';

/** A step on WASM, outside the session: what is trained, on what, and how it is composed. */
export interface StepOptions {
  /** The model's own weights, or LoRA of rank 8 on every linear. */
  readonly train: 'all' | 'lora';
  /** By default what fits, one program if that does. */
  readonly composition?: Composition;
  readonly storage: WeightStorage;
  readonly batch: number;
  /** Of a text that is predicted token by token, or of a question before latents; tokens. */
  readonly tokens: number;
  /** K, fed between the question and the answer; 0: a text without either. */
  readonly latents: number;
  readonly threads: number;
}

const LORA = { rank: 8, alpha: 16, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] } as const;
const ANSWER = { prompt: 2, answer: 4, explicit: 4 };
const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, clip: 1 };

/**
 * The checkpoint on the device with its compiled step and AdamW.
 * @throws MemoryError where the step does not fit
 */
export async function openStep(folder: string, options: StepOptions) {
  const { train, storage, batch, tokens, latents, threads } = options;
  const before = memoryTaken().rss;
  const runtime = await createRuntime({ provider: 'wasm', threads });
  const { model, tokenizer } = storedAs(
    await openModel(await checkpointFiles(folder), { readBlob }),
    storage,
  );
  const models = new DeviceModels(runtime);
  const device = models.use(model);
  const { config } = device;
  const adapters = train === 'lora' ? [STUDENT] : [];
  const set = new ParameterSet(
    config,
    train === 'lora' ? { [STUDENT]: { kind: 'lora', ...LORA } } : {},
    [],
    train === 'all' ? 'all' : undefined,
  );
  const layout = { batch, question: tokens, ...ANSWER };
  const tape =
    latents > 0 ? latentTape(set, layout, latents, adapters) : fineTuningTape(set, batch, tokens, adapters);
  const purpose = purposeOf(options);
  const composition = options.composition ?? compositionFor(sizesOf(config), 'wasm', purpose);
  if (!composition)
    refuseUnlessFits(config, 'wasm', purpose, `fine-tuning ${train === 'all' ? 'all weights' : 'with LoRA'}`);
  const estimated = estimateMemory(sizesOf(config), 'wasm', {
    ...purpose,
    ...(composition && { composition }),
  });
  const started = performance.now();
  const step =
    composition === 'whole' ? await compileWhole(device, tape, 'step') : await compileLayerwise(device, tape);
  const compiling = (performance.now() - started) / 1000;
  const packs = set
    .initial(new Rng(1), initialWeights(device))
    .map((data, i) => runtime.upload({ dtype: 'f32', shape: set.all[i]?.shape ?? [], data }, `pack ${i}`));
  const optimiser = await hostOptimiser(packs, ADAMW, set.groups(1));
  return {
    config,
    tokenizer,
    parameters: set.size,
    programs: step.programs,
    composition,
    /** As before Start: bytes in WebAssembly and outside it. */
    estimated: { heap: inHeap(estimated), outside: estimated.parts.host },
    compiling,
    /** Bytes that a step cannot do without, see `needed`. */
    needed: needed(config, options, set.size),
    /** Resident memory before the checkpoint was opened. */
    before,
    /** Feeds of a batch of random tokens, where there are latents. */
    random: () => tokenFeeds(randomBatch(layout, config.vocabSize, new Rng(2))),
    async run(feeds: Readonly<Record<string, HostTensor>>, rate: number) {
      const { terms, gradients } = await step.run(feeds, packs);
      if (!terms) throw new Error('a step without losses');
      return optimiser.update(gradients, rate, terms);
    },
  };
}

/** As a run's before Start; a question is followed by its latents and an answer. */
const purposeOf = ({ train, batch, tokens, latents }: StepOptions): Extract<Purpose, { kind: 'distil' }> => ({
  kind: 'distil',
  sequences: batch,
  rank: train === 'lora' ? LORA.rank : 0,
  weights: train === 'all',
  tokens: tokens + (latents > 0 ? latents + ANSWER.prompt + ANSWER.answer : 0),
});

function latentTape(set: ParameterSet, layout: TokenLayout, latents: number, adapters: string[]): Tape {
  const tape = new Tape(set, layout.batch);
  const question = readQuestion(tape, layout, adapters);
  const thoughts = think(tape, question, latents, { kind: 'hidden' }, adapters);
  answerAfter(tape, thoughts.at(-1) ?? question, layout, 1, adapters);
  return tape;
}

/**
 * Weights in their storage, what is kept of every layer between forward and reverse (its inputs, keys and values, and their
 * gradients), and the trained values with their gradients and AdamW's two moments; bytes.
 */
function needed(
  config: DecoderConfig,
  { train, storage, batch, tokens, latents }: StepOptions,
  trained: number,
) {
  const { layers: L, hiddenSize: H, intermediateSize: I, kvHeads, heads, headDim: d, vocabSize: V } = config;
  const inLayers =
    L * (H * d * (2 * heads + 2 * kvHeads) + (config.activation === 'gelu_new' ? 2 : 3) * H * I);
  const outside = V * H * (config.tieWordEmbeddings ? 1 : 2);
  const perWeight = storage === 'f32' ? 4 : keptBytes(1, 32, formOf(storage, 'wasm')) / 32;
  // Trained weights are counted with what is trained.
  const weights = train === 'all' ? 0 : perWeight * inLayers + 4 * outside;
  const rows = batch * (tokens + (latents > 0 ? latents + ANSWER.prompt + ANSWER.answer - 1 : 0));
  const boundaries = 4 * L * rows * (2 * H + 4 * kvHeads * d);
  const adapters = 16 * trained;
  return { weights, boundaries, adapters, all: weights + boundaries + adapters };
}

/** CPU seconds of the process, all threads. */
export const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
