/** The goldens of scripts/goldens/methods: recipes as they are shipped, on a small decoder whose values torch had too. */
import { parseRunConfig, type RunConfig } from '../../contract/config';
import type { HostTensor } from '../base/dtype';
import { sizeOf } from '../base/shape';
import { parseModelConfig } from '../checkpoint/config';
import { layoutOf, splitBatch, tokenBatch } from '../data/batch';
import type { ProblemCodec, TokenProblem } from '../data/tokens';
import { interpret } from '../graph/interpret';
import { RECIPES } from '../methods/index';
import type { DecoderConfig } from '../nn/config';
import { loraLayout } from '../nn/lora';
import { expectedTensors, namedWeights, packWeights, type Weights } from '../nn/weights';
import { type Golden, readGolden } from '../testing/golden.testing';
import { ParameterSet } from '../train/parameters';
import { tapeFeeds } from '../train/tape/inputs';
import { Tape } from '../train/tape/tape';
import { traceTape } from '../train/tape/whole';
import { relativeError } from '../train/tiny.testing';
import type { Recipe } from './shared/recipe';
import { tokenFeeds } from './shared/token-inputs';

export type GoldenFamily = 'llama' | 'qwen2';

export interface MethodsGolden {
  readonly golden: Golden;
  readonly config: DecoderConfig;
  readonly weights: Weights;
  readonly problems: readonly TokenProblem[];
  readonly codec: ProblemCodec;
}

const read = new Map<GoldenFamily, MethodsGolden>();
export function readMethods(family: GoldenFamily): MethodsGolden {
  const known = read.get(family) ?? methodsOf(family);
  read.set(family, known);
  return known;
}

function methodsOf(family: GoldenFamily): MethodsGolden {
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

/**
 * A recipe's step on the golden's batch.
 * @param config of the run, without its LoRA  @param model with its vocabulary as it is on a device
 * @param parts number of equal batches that the samples are split into
 */
export function recorded<C extends Parameters<Recipe['record']>[1]['config']>(
  { golden, config: own, problems, codec }: MethodsGolden,
  recipe: Recipe<C>,
  config: C,
  { model = own, parts = 1 }: { readonly model?: DecoderConfig; readonly parts?: number } = {},
) {
  const { rank, alpha } = golden.meta;
  const run = { ...config, lora: { ...config.lora, rank, alpha, dropout: 0 } };
  const layout = layoutOf(problems, codec, problems.length / parts);
  const parameters = new ParameterSet(model, recipe.adapters(run), recipe.modules?.(run, model) ?? []);
  const tape = new Tape(parameters, layout.batch, 3);
  recipe.record(tape, { config: run, layout, losses: {} });
  const values = parameters.all.map(({ name, shape }) => {
    const data = new Float32Array(sizeOf(shape));
    for (const part of partsOf(parameters, name))
      data.set(golden.f32(part.name).subarray(0, part.length), part.offset);
    return data;
  });
  const batches = splitBatch(tokenBatch(problems, codec, layout), parts).map(tokenFeeds);
  return { tape, values, batches, feeds: batches[0] as (typeof batches)[0] };
}

/** A parameter's parts as torch names them, with their places; of the added tokens as many rows as the recipe has. */
export function partsOf(
  parameters: ParameterSet,
  name: string,
): { readonly name: string; readonly offset: number; readonly length: number }[] {
  const [adapter, layer] = name.split('.') as [string, string];
  const spec = parameters.adapters[adapter];
  if (spec?.kind !== 'lora') return [{ name, offset: 0, length: sizeOf(parameters.shape(name)) }];
  return loraLayout(parameters.config, spec).parts.map(({ linear, factor, offset, shape }) => ({
    name: `${adapter}.layers.${layer}.${linear}.${factor}`,
    offset,
    length: shape[0] * shape[1],
  }));
}

/** Relative errors of the terms and of every gradient, by torch's names; what torch gives no gradient must have none. */
export function errorsOf(
  golden: Golden,
  name: string,
  tape: Tape,
  terms: ArrayLike<number>,
  gradients: readonly ArrayLike<number>[],
): Record<string, number> {
  const expected = golden.under(`${name}.weighted.`);
  const errors: Record<string, number> = {};
  tape.terms.forEach((term, i) => {
    const value = expected.get(term)?.data[0] ?? Number.NaN;
    errors[term] = Math.abs((terms[i] as number) - value) / Math.abs(value);
  });
  if (tape.terms.length !== expected.size) errors.count = Number.NaN;
  const known = golden.under(`${name}.grad.`);
  tape.parameters.all.forEach((parameter, i) => {
    for (const part of partsOf(tape.parameters, parameter.name)) {
      const own = Array.from(gradients[i] as ArrayLike<number>).slice(part.offset, part.offset + part.length);
      const data = known.get(part.name)?.data.subarray(0, part.length);
      errors[part.name] = data ? relativeError(own, data) : Math.max(...own.map(Math.abs));
    }
  });
  return errors;
}

/** The golden's case as a run's configuration. */
export function configOf(family: GoldenFamily, name: string): RunConfig {
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
  return parseRunConfig(changes);
}

/** Terms and gradients of a method’s step in float64. */
export function interpreted(family: GoldenFamily, config: RunConfig) {
  const found = readMethods(family);
  const { tape, values, feeds } = recorded(found, RECIPES[config.method] as Recipe, config);
  const bound: Record<string, ArrayLike<number>> = {};
  const hosts = { ...namedWeights(found.weights), ...tapeFeeds(tape, feeds) };
  for (const [input, { data }] of Object.entries(hosts)) bound[input] = data;
  values.forEach((data, i) => {
    bound[tape.parameters.all[i]?.name as string] = data;
  });
  const [terms, ...gradients] = interpret(Object.values(traceTape(tape, 'step').outputs), bound);
  return { tape, terms: terms as Float64Array, gradients };
}
