import { ConfigError } from '../../base/errors';
import type { JsonObject } from '../../checkpoint/json';
import { own, quote } from '../../checkpoint/json';
import type { Layout } from '../../checkpoint/latent/layouts';
import type { Reasoning } from '../../decode/reasoning';
import type { ModuleSpec } from '../../nn/modules/modules';

/** Thoughts of the published CODI and SIM-CoT students, and of Coconut's last stage (3 stages of 2). */
const THOUGHTS = 6;

/**
 * CODI: question, bot, K thoughts, eot, and the model writes its answer. Coconut is the same, with the final
 * hidden state fed as it is. The three tokens are added after the base's V: pad, bot, eot; Coconut's are
 * start, end, latent.
 * @throws ConfigError if there are not V + 3 rows, so that the tokens cannot be identified
 */
export function codiReasoning(
  layout: Layout,
  {
    json,
    rows,
    module,
    tokenId,
  }: {
    readonly json: JsonObject;
    readonly rows: number;
    readonly module: ModuleSpec | undefined;
    readonly tokenId: (text: string) => number | undefined;
  },
): { readonly reasoning: Reasoning; readonly notes: string[] } {
  const V = own(json, 'vocab_size');
  const isCodi = layout.id === 'codi';
  const named = isCodi
    ? [tokenId('<|bocot|>'), tokenId('<|eocot|>')]
    : [tokenId('<|start-latent|>'), tokenId('<|end-latent|>')];
  const byRows = V === rows - 3 ? (isCodi ? [rows - 2, rows - 1] : [rows - 3, rows - 2]) : [];
  const [begin, end] = named[0] !== undefined && named[1] !== undefined ? named : byRows;
  if (begin === undefined || end === undefined || begin >= rows || end >= rows)
    throw new ConfigError(
      `the embedding has ${rows} rows, config.json says ${quote(V)}; with three added tokens it would have ${typeof V === 'number' ? V + 3 : 'three more'}, and which tokens begin and end thoughts is unknown`,
      'Use the config.json of the base model, or a tokenizer.json that has the added tokens.',
    );
  return {
    reasoning: {
      adapters: [],
      stages: [
        { kind: 'tokens', ids: [begin] },
        {
          kind: 'latents',
          steps: THOUGHTS,
          feedback: module ? { kind: 'module', module } : { kind: 'hidden' },
        },
        { kind: 'tokens', ids: [end] },
      ],
      explicit: true,
    },
    notes: [
      `It reasons in ${THOUGHTS} latent thoughts (not in the file; the official scripts’), ${module ? `each the projection of the last hidden state` : 'each the last hidden state'}, between the tokens ${begin} and ${end}, and then writes its answer.`,
      ...(isCodi ? [eosNote(begin, end)] : []),
    ],
  };
}

/**
 * `remove_eos` of the training scripts is written into no file of a release, and either value has been published: true by
 * the official scripts. Coconut's scripts have no such choice.
 */
const eosNote = (begin: number, end: number): string =>
  `No end-of-sequence token is fed before ${begin} or after ${end} (not in the file; the official scripts’ remove_eos). A student trained with one there, as bcywinski/codi_llama1b-answer_only was, is fed other tokens here than in training, and its thoughts and answers are not those it was trained for.`;
