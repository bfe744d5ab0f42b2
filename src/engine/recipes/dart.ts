import type { ConfigOf } from '../../contract/config';
import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { addedTokens, TOKENS } from './shared/added-tokens';
import { chainAfter } from './shared/chain';
import { chainInputs } from './shared/chain-inputs';
import { stateDistance } from './shared/losses/distance';
import { anchorOf, answerAfter, readQuestion, reasonAfter } from './shared/passes';
import type { Recipe } from './shared/recipe';
import { COT, evolving, silentAdapters } from './shared/silent-pathway';
import { TOKEN_INPUTS } from './shared/token-inputs';

/** The L1 distance over σ, averaged over layers (DART §3.2). */
const FORM = { form: 'l1', scale: 'layer', embeddings: false } as const;

/**
 * DART: L = L_CoT + L_ST + λ·L_distill (DART §3). The CoT pathway writes its rationale, tuned by LoRA; the silent pathway
 * reads C copies of one learned embedding in one pass, with REM. Both answer; at the answer prompt's last token, or the one after
 * it, the silent pathway's states are pulled to the other's.
 */
export const dart: Recipe<ConfigOf<'dart'>> = {
  adapters: ({ lora, rem }) => ({ [COT]: { kind: 'lora', ...lora }, ...evolving(rem) }),
  modules: ({ silent }, model) =>
    silent.count > 0 ? [addedTokens(model, 1, { trained: true, initial: 'drawn' })] : [],
  rationale: ({ chain }) => (chain.omitLastStep ? 'all-but-last' : 'steps'),
  inputs: (_config, training) => chainInputs(training),
  reasoning: (config) => ({
    adapters: silentAdapters(config),
    stages:
      config.silent.count > 0
        ? [
            {
              kind: 'embeddings',
              parameter: TOKENS,
              rows: new Array(config.silent.count).fill(0),
              thoughts: true,
            },
          ]
        : [],
    explicitAdapters: [COT],
  }),
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const { weights, distance } = config;
    const text = chainAfter(tape, readQuestion(tape, layout, [COT]), layout, weights);
    const reasoning = dart.reasoning(config, tape.parameters.config);
    const { adapters } = reasoning;
    const { end } = reasonAfter(tape, readQuestion(tape, layout, adapters), reasoning);
    const answer = answerAfter(tape, end, layout, weights.answer, adapters);

    if (weights.distil === 0) return;
    const shift = distance.position === 'answer-start' ? 1 : 0;
    const written = tape.statesAt(text, TOKEN_INPUTS.explicitAnchors, shift);
    const target = distance.target === 'detached' ? tape.detach(written) : written;
    const H = tape.parameters.config.hiddenSize;
    const weight = weights.distil * (distance.over === 'sum' ? H : 1);
    tape.loss(['distil'], [answer.at(anchorOf(layout) + shift), target], (_, [own, other]) => [
      o.mul(stateDistance(own as Tensor, other as Tensor, FORM), weight),
    ]);
  },
};
