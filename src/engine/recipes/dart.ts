import type { ConfigOf } from '../../contract/config';
import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { AdapterSpec } from '../nn/attachments';
import { added, addedTokens, TOKENS } from './shared/added-tokens';
import { chainAfter } from './shared/chain';
import { chainInputs } from './shared/chain-inputs';
import { stateDistance } from './shared/losses/distance';
import { anchorOf, answerAfter, readQuestion } from './shared/passes';
import type { Recipe } from './shared/recipe';
import { TOKEN_INPUTS } from './shared/token-inputs';

const COT = 'cot';
const SILENT = 'silent';
/** The silent thought's embedding. */
const TOKEN = { trained: true, initial: 'drawn' } as const;
/** The L1 distance over σ, averaged over layers (DART §3.2). */
const FORM = { form: 'l1', scale: 'layer', embeddings: false } as const;

/** REM before the key and the value projection, or what the paper's ablation (table 3) puts in its place. */
function evolving({ kind, width, alpha }: ConfigOf<'dart'>['rem']): Readonly<Record<string, AdapterSpec>> {
  if (kind === 'none') return {};
  if (kind === 'lora') return { [SILENT]: { kind, rank: width, alpha, targets: ['k', 'v'] } };
  return { [SILENT]: { kind, width, alpha, sites: ['k.in', 'v.in'] } };
}

/** What runs while it thinks silently. */
const silentAdapters = ({ rem, silent }: ConfigOf<'dart'>): string[] => [
  ...(silent.pathway === 'both' ? [COT] : []),
  ...Object.keys(evolving(rem)),
];

/** C times the only added token. */
const thoughtsOf = ({ silent }: ConfigOf<'dart'>): number[] => new Array(silent.count).fill(0);

/**
 * DART: L = L_CoT + L_ST + λ·L_distill (DART §3). The CoT pathway writes its rationale, tuned by LoRA; the silent pathway
 * reads C copies of one learned embedding in one pass, with REM. Both answer; at the answer prompt's last token the silent
 * pathway's states are pulled to the other's.
 */
export const dart: Recipe<ConfigOf<'dart'>> = {
  adapters: ({ lora, rem }) => ({ [COT]: { kind: 'lora', ...lora }, ...evolving(rem) }),
  modules: ({ silent }, model) => (silent.count > 0 ? [addedTokens(model, 1, TOKEN)] : []),
  rationale: ({ chain }) => (chain.omitLastStep ? 'all-but-last' : 'steps'),
  inputs: (_config, training) => chainInputs(training),
  reasoning: (config) => ({
    adapters: silentAdapters(config),
    stages:
      config.silent.count > 0
        ? [{ kind: 'embeddings', parameter: TOKENS, rows: thoughtsOf(config), thoughts: true }]
        : [],
    explicitAdapters: [COT],
  }),
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const { silent, weights, distance } = config;
    const adapters = silentAdapters(config);
    const text = chainAfter(tape, readQuestion(tape, layout, [COT]), layout, weights);

    let before = readQuestion(tape, layout, adapters);
    if (silent.count > 0)
      before = tape.segment(added(tape, thoughtsOf(config), TOKEN), { after: before, adapters });
    const answer = answerAfter(tape, before, layout, weights.answer, 'answer', adapters);

    if (weights.distil === 0) return;
    const written = tape.statesAt(text, TOKEN_INPUTS.explicitAnchors);
    const target = distance.target === 'detached' ? tape.detach(written) : written;
    const H = tape.parameters.config.hiddenSize;
    const weight = weights.distil * (distance.over === 'sum' ? H : 1);
    tape.loss(['distil'], [answer.at(anchorOf(layout)), target], (_, [own, other]) => [
      o.mul(stateDistance(own as Tensor, other as Tensor, FORM), weight),
    ]);
  },
};
