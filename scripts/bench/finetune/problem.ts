import type { HostTensor } from '../../../src/engine/base/dtype';
import { floatsOf } from '../../../src/engine/base/half';
import { Rng } from '../../../src/engine/base/rng';
import { loadCheckpoint } from '../../../src/engine/checkpoint/load';
import type { DecoderConfig } from '../../../src/engine/nn/config';
import { ParameterSet } from '../../../src/engine/nn/parameter-set';
import { expectedTensors, namedWeights, packWeights } from '../../../src/engine/nn/weights';
import { Tape } from '../../../src/engine/train/tape/tape';
import { readFile, readJson } from '../../tools/files';
import type { Problem } from '../train/cases';

/** One batch of text on which all weights of a checkpoint are fine-tuned. */
export interface FineTuning {
  /** Folder below the shared one. */
  readonly checkpoint: string;
  readonly batch: number;
  /** Tokens of a sample. */
  readonly context: number;
  /** batch × context tokens that are read, and as many that are to be predicted. */
  readonly text: readonly number[];
  readonly targets: readonly number[];
}

/** The step of `npm run bench:finetune`: a text's cross entropy, and the gradients of all weights. */
export function fineTuningTape(set: ParameterSet, batch: number, context: number, adapters: string[]): Tape {
  const tape = new Tape(set, batch);
  const text = tape.segment(tape.tokens('text', context), { adapters });
  tape.crossEntropy('text', 1, text.finals(), { targets: 'targets', weights: 'weights' });
  return tape;
}

export function fineTuningFeeds({
  batch,
  context,
  text,
  targets,
}: Omit<FineTuning, 'checkpoint'>): Record<'text' | 'targets' | 'weights', HostTensor> {
  const shape = [batch, context];
  const weights = new Float32Array(batch * context).fill(1 / (batch * context));
  return {
    text: { dtype: 'i32', shape, data: Int32Array.from(text) },
    targets: { dtype: 'i32', shape, data: Int32Array.from(targets) },
    weights: { dtype: 'f32', shape, data: weights },
  };
}

/** The same in a realm of its own. */
export async function fineTuningProblem(asked: FineTuning): Promise<Problem> {
  const { checkpoint, batch, context } = asked;
  const bytes = await readFile('shared', `${checkpoint}/model.safetensors`);
  const { config, weights: tensors } = await loadCheckpoint(
    {
      config: await readJson('shared', `${checkpoint}/config.json`),
      weights: new Map([['model.safetensors', bytes.buffer]]),
    },
    expectedTensors,
  );
  const weights = packWeights(config, tensors);
  const named = namedWeights(weights);
  const setOf = (own: DecoderConfig) => new ParameterSet(own, {}, [], 'all');
  const packs = setOf(config).initial(new Rng(1), {
    count: config.vocabSize,
    rows: () => new Float32Array(),
    weight: (name) => Float32Array.from(floatsOf(named[name] as HostTensor)),
  });
  return {
    ...{ config, weights, packs },
    tape: (own) => fineTuningTape(setOf(own), batch, context, []),
    feeds: fineTuningFeeds(asked),
  };
}
