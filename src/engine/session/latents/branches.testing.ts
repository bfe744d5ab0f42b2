/** The tiny models of scripts/goldens/lori/interventions.py, ready to be stepped through. */

import type { HostTensor } from '../../base/dtype';
import { parseModelConfig } from '../../checkpoint/config';
import { leftPad } from '../../data/batch';
import { decoderOf } from '../../decode/decoder.testing';
import { thinking } from '../../decode/reasoning.testing';
import type { DecoderState } from '../../decode/state';
import type { Feedback } from '../../nn/feedback';
import { packWeights } from '../../nn/weights';
import type { Runtime } from '../../runtime/runtime';
import { readGolden } from '../../testing/golden.testing';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import type { Answering } from './answers';
import { StateTree } from './state-tree';
import { LOOKED_AT, ThoughtRunner } from './thought-runner';
import { ThoughtVectors } from './vectors';

/** Texts are ids of tokens, in decimal. */
const tokenizer = {
  encode: (text: string) => text.split(' ').map(Number),
  tokenText: String,
} as unknown as Tokenizer;

export type GoldenBranches = Awaited<ReturnType<typeof openBranches>>;

export async function openBranches(runtime: Runtime, name: 'qwen2' | 'gpt2', maxBytes?: number) {
  const golden = readGolden(`interventions-${name}`);
  const { question, other, training, prompt, K, temperature, config: json, cases } = golden.meta;
  const config = parseModelConfig(json);
  const weights = new Map<string, HostTensor>();
  for (const [key, { shape }] of golden.under('weights.'))
    weights.set(name === 'gpt2' ? `transformer.${key}` : key, {
      dtype: 'f32',
      shape,
      data: golden.f32(`weights.${key}`),
    });
  // One column of padding, as a question shorter than the longest has it.
  const S = question.length + 1;
  const decoder = await decoderOf(runtime, packWeights(config, weights), {
    ...{ config, batch: 1, question: S, capacity: S + K + prompt.length + 3 },
  });
  const feedback: Feedback = name === 'gpt2' ? { kind: 'hidden' } : { kind: 'softmax', temperature };
  const named: Record<string, number[]> = { other };
  training.forEach((ids: number[], i: number) => {
    named[`training ${i}`] = ids;
  });
  const read = (ids: readonly number[]): Promise<DecoderState> => {
    const { ids: padded, keyMask } = leftPad([ids], S, 0);
    return decoder.begin(padded, keyMask, LOOKED_AT);
  };
  const runner: ThoughtRunner = new ThoughtRunner(decoder, thinking(K, feedback, []), (at, step) =>
    vectors.at(at, step),
  );
  const begin = async () => ({ state: await read(question), changed: undefined, milliseconds: 1 });
  const tree = new StateTree(runner, begin, maxBytes);
  const vectors = new ThoughtVectors({
    ...{ runner, tokenizer, device: undefined, steps: K as number },
    read: (text) => read(named[text] as number[]),
    before: async (step) => (await tree.at([], step - 1)).state,
    training: (count) => Array.from({ length: count }, (_, i) => `training ${i}`),
  });
  const answering: Answering = { decoder, prompt, endIds: [1], limit: 3 };
  return {
    ...{ golden, config, decoder, tree, vectors, runner, answering, tokenizer },
    K: K as number,
    cases: cases as readonly string[],
    read: () => read(question),
    async dispose() {
      tree.dispose();
      await decoder.dispose();
    },
  };
}
