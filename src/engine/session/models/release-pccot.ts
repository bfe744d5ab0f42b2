import { PCCOT_FILE } from '../../../contract/checkpoint-files';
import { ConfigError } from '../../base/errors';
import { floatsOf } from '../../base/half';
import { isJsonObject, type JsonObject, own, quote } from '../../checkpoint/json';
import type { LoadedModel } from './pair';
import type { LatentStudent } from './subjects';

/** Largest numbers of latent tokens and of iterations. */
const MAX_COUNT = 256;
const OTHER = 'Open the folder as PCCoT’s run_ccot.py writes it: adapter, config.json and pccot_args.json.';

/** Whether a config.json is a PCCoT student's. */
export const isPccot = (config: unknown): boolean =>
  isJsonObject(config) && /^pccot-/.test(String(own(config, 'model_type')));

/**
 * PCCoT: question, bot, c thoughts that are refined together T times, eot, and the model writes its answer. A
 * thought starts as the latent token's embedding, and then is the final hidden state at the position before
 * it in the previous iteration.
 * @param model with its adapter  @throws ConfigError naming a setting that is missing or not supported
 */
export function pccotStudent(
  config: unknown,
  args: unknown,
  model: Pick<LoadedModel, 'config' | 'weights'>,
): { readonly latent: LatentStudent; readonly notes: string[] } {
  if (!isJsonObject(config) || !isJsonObject(args))
    throw new ConfigError(`${PCCOT_FILE} or config.json contains no settings`, OTHER);
  if ((own(config, 'use_projection') ?? false) !== false)
    throw new ConfigError('unsupported use_projection true: the adapter’s file holds no projection', OTHER);
  const count = (json: JsonObject, key: string, standard: number): number => {
    const value = own(json, key) ?? standard;
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_COUNT)
      return value as number;
    throw new ConfigError(`${key} is ${quote(value)}, expected a whole number from 1 to ${MAX_COUNT}`, OTHER);
  };
  const id = (key: string): number => {
    const value = own(args, key);
    if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < model.config.vocabSize)
      return value as number;
    throw new ConfigError(`${key} is ${quote(value)}, expected a token id of the model`, OTHER);
  };
  const [begin, end, latent] = [id('bot_token_id'), id('eot_token_id'), id('latent_token_id')];
  const [thoughts, iterations] = [count(args, 'num_latent_tokens', 6), count(config, 'num_iterations', 6)];
  const { hiddenSize: H } = model.config;
  const row = floatsOf(model.weights.read('w.embedding', latent, latent + 1)).slice();
  return {
    latent: {
      parameters: { adapters: {}, modules: [{ name: 'latent', shape: [1, H] }] },
      packs: [row],
      reasoning: {
        adapters: [],
        stages: [
          { kind: 'tokens', ids: [begin] },
          {
            kind: 'jacobi',
            parameter: 'latent',
            row: 0,
            count: thoughts,
            iterations,
            feedback: { kind: 'hidden' },
          },
          { kind: 'tokens', ids: [end] },
        ],
        explicit: true,
      },
    },
    notes: [
      `It is a PCCoT student: ${thoughts} thoughts refined together ${iterations} times, between the tokens ${begin} and ${end}, and then it writes its answer.`,
    ],
  };
}
