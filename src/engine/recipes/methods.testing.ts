/** The goldens of scripts/goldens/methods/methods.py: recipes as they are shipped, on small decoders that it prints too. */
import { parseRunConfig, type RunConfig } from '../../contract/config';
import type { HostTensor } from '../base/dtype';
import { parseModelConfig } from '../checkpoint/config';
import { layoutOf, splitBatch, tokenBatch } from '../data/batch';
import type { ProblemCodec, TokenProblem } from '../data/tokens';
import { RECIPES } from '../methods/index';
import type { DecoderConfig } from '../nn/config';
import { expectedTensors, packWeights, type Weights } from '../nn/weights';
import { type Golden, readGolden } from '../testing/golden.testing';
import { Tape } from '../train/tape/tape';
import type { Family as RotaryFamily } from './method-goldens.testing';
import type { Parity } from './parity.testing';
import type { Recipe } from './shared/recipe';
import { tokenFeeds } from './shared/token-inputs';
import { parametersOf } from './shared/trained';

/** GPT-2 has positions that are learned, LayerNorm, and no gate. */
export type Family = RotaryFamily | 'gpt2';

export interface MethodsGolden {
  readonly golden: Golden;
  readonly config: DecoderConfig;
  readonly weights: Weights;
  readonly problems: readonly TokenProblem[];
  readonly codec: ProblemCodec;
}

const read = new Map<Family, MethodsGolden>();
export function readMethods(family: Family): MethodsGolden {
  const known = read.get(family) ?? methodsOf(family);
  read.set(family, known);
  return known;
}

function methodsOf(family: Family): MethodsGolden {
  const golden = readGolden(`methods-${family}`);
  const { batch, eos } = golden.meta;
  const config = parseModelConfig(golden.meta.config);
  const tensors = expectedTensors(config).map(({ name, shape }): [string, HostTensor] => [
    name,
    { dtype: 'f32', shape, data: golden.f32(`weights.${name}`) },
  ]);
  const problems = (batch.questions as number[][]).map((question, b) => ({
    question,
    rationale: batch.rationales[b] as number[],
    steps: [],
    answer: [...(batch.answers[b] as number[]), eos],
  }));
  const codec = { prompt: batch.prompt, padId: 0, endId: eos } as ProblemCodec;
  return { golden, config, weights: packWeights(config, new Map(tensors)), problems, codec };
}

/** A method's step on the golden's batch, and on its samples in `parts` equal batches. @param name of the golden's case, if it is one */
export function recorded(
  family: Family,
  config: RunConfig,
  { name = '', parts = 1 }: { readonly name?: string; readonly parts?: number } = {},
): Parity & { readonly batches: readonly Record<string, HostTensor>[] } {
  const { golden, config: model, weights, problems, codec } = readMethods(family);
  const recipe = RECIPES[config.method] as Recipe;
  const { rank, alpha } = golden.meta;
  const run: RunConfig = { ...config, lora: { ...config.lora, rank, alpha, dropout: 0 } };
  const layout = layoutOf(problems, codec, problems.length / parts);
  const batches = splitBatch(tokenBatch(problems, codec, layout), parts).map(tokenFeeds);
  return {
    ...{ golden, config: model, weights, trained: '', prefix: `${name}.` },
    ...{ batches, feeds: batches[0] as (typeof batches)[0] },
    tape(own = model) {
      const parameters = parametersOf(recipe, run, own);
      const tape = new Tape(parameters, layout.batch);
      recipe.record(tape, { config: run, layout, losses: {} });
      return tape;
    },
  };
}

/** The golden's case as a run's configuration. */
export function configOf(family: Family, name: string): RunConfig {
  const { cases, weights, projection } = readMethods(family).golden.meta;
  const { method, ...run } = cases[name];
  const answer = { supervised: run.supervised };
  const self = {
    projection: { use: run.projection, width: projection },
    tokens: { trained: run.trainTokens },
    distillation: {
      position: run.position === 'after' ? 'answer-start' : 'prompt-end',
      form: run.form,
      scale: run.scale,
      embeddings: run.embeddings,
    },
    weights: { answer: weights.answer, distillation: weights.distillation, teacher: weights.teacher },
    answer,
  };
  const changes = {
    codi: { method: 'codi-self', ...self, latent: { steps: run.latents } },
    pccot: { method: 'pccot', ...self, latent: { steps: run.latents, iterations: run.iterations } },
    pause: { method: 'pause-ft', pauses: { count: run.pauses }, weights: { answer: weights.answer }, answer },
    cot: { method: 'cot-sft', weights: { rationale: weights.explicit } },
  }[method as 'codi'];
  return parseRunConfig({ ...changes, training: { weights: run.full ? 'full' : 'lora' } });
}
