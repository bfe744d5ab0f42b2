/** The tiny models of scripts/goldens/lori/interventions.py, ready to be stepped through. */

import type { Intervention } from '../../../contract/latents';
import type { HostTensor } from '../../base/dtype';
import type { Shape } from '../../base/shape';
import { parseModelConfig } from '../../checkpoint/config';
import { decoderOf } from '../../decode/decoder.testing';
import { thinking } from '../../decode/reasoning.testing';
import type { DecoderState } from '../../decode/state';
import type { Feedback } from '../../nn/feedback';
import { packWeights } from '../../nn/weights';
import type { Runtime } from '../../runtime/runtime';
import { type Golden, readGolden } from '../../testing/golden.testing';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { weightsOf } from '../models/families-files.testing';
import type { Answering } from './answers';
import { readQuestion } from './question-reader';
import { StateTree } from './state-tree';
import { LOOKED_AT, ThoughtRunner } from './thought-runner';
import { ThoughtVectors } from './vectors';

/** Texts are ids of tokens, in decimal. */
const tokenizer = {
  encode: (text: string) => text.split(' ').map(Number),
  tokenText: String,
} as unknown as Tokenizer;

export type GoldenBranches = Awaited<ReturnType<typeof openBranches>>;

/** `gpt2-wide` and `gpt2-deep` are of GPT-2's width and depth; their weights are drawn here as they are there. */
export type BranchesName = 'qwen2' | 'gpt2' | 'gpt2-wide' | 'gpt2-deep';

export async function openBranches(runtime: Runtime, name: BranchesName, maxBytes?: number) {
  const golden = readGolden(`interventions-${name}`);
  const { question, other, training, prompt, K, temperature, config: json, cases } = golden.meta;
  const config = parseModelConfig(json);
  const weights = new Map<string, HostTensor>();
  const isGpt2 = name !== 'qwen2';
  for (const [key, shape, data] of weightsIn(golden))
    weights.set(isGpt2 ? `transformer.${key}` : key, { dtype: 'f32', shape, data });
  // One column of padding, as a question shorter than the longest has it.
  const S = question.length + 1;
  const decoder = await decoderOf(runtime, packWeights(config, weights), {
    ...{ config, batch: 1, question: S, capacity: S + K + prompt.length + 3 },
  });
  const feedback: Feedback = isGpt2 ? { kind: 'hidden' } : { kind: 'softmax', temperature };
  const named: Record<string, number[]> = { other };
  training.forEach((ids: number[], i: number) => {
    named[`training ${i}`] = ids;
  });
  const runner: ThoughtRunner = new ThoughtRunner(decoder, thinking(K, feedback, []), (one) =>
    vectors.at(one),
  );
  const read = (ids: readonly number[], interventions: readonly Intervention[] = []): Promise<DecoderState> =>
    readQuestion(decoder, { ids, padId: 0 }, { keep: LOOKED_AT, interventions, sources: runner.sources });
  const begin = async (interventions: readonly Intervention[]) => ({
    state: await read(question, interventions),
    ...{ changed: undefined, milliseconds: 1 },
  });
  const tree = new StateTree(runner, begin, maxBytes);
  const vectors = new ThoughtVectors({
    ...{ runner, tokenizer, device: undefined, steps: K as number },
    prompt,
    tokens: (text) => ({ ids: text === undefined ? question : (named[text] as number[]), padId: 0 }),
    read: (text) => read(named[text] as number[]),
    after: async (step) => (await tree.at([], step)).state,
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

/** Stored, or drawn by seed. */
function weightsIn(golden: Golden): (readonly [string, Shape, Float32Array<ArrayBuffer>])[] {
  const { drawn } = golden.meta;
  if (!drawn)
    return [...golden.under('weights.')].map(([key, { shape }]) => [
      key,
      shape,
      golden.f32(`weights.${key}`),
    ]);
  const values = weightsOf(drawn);
  return drawn.tensors.map(({ name, shape }: { name: string; shape: Shape }) => [
    name,
    shape,
    values.get(name),
  ]);
}
