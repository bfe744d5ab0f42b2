import { z } from 'zod';
import { count, group, OURS, setting } from '../settings';
import type { LossTerm } from './method';
import { onAnswer, onWritten, WRITTEN } from './paths';

/** Settings and loss terms that several methods have. */

/** Largest K. */
export const MAX_LATENT_STEPS = 32;

/** How the untrained base makes latents, for which no run has said so. */
export const LATENT_DEFAULTS = { steps: 5, filter: 'softmax', temperature: 1 } as const;

/** The group `latent` of a method that reasons in latents. */
export const latentSettings = group(
  { title: 'Latent steps', tex: 'z_t = f(x, z_{1:t-1})' },
  {
    steps: setting(count(1, MAX_LATENT_STEPS).default(LATENT_DEFAULTS.steps), {
      label: 'Latent steps',
      tex: 'K',
      unit: 'latents',
      help: 'How many latent thoughts the student takes before it answers.',
      source: 'LoRi figure 5 varies K from 2 to 8 and finds 5 best; the bundled problems have up to 5 steps',
    }),
    filter: setting(z.enum(['softmax', 'hidden']).default(LATENT_DEFAULTS.filter), {
      label: 'Feedback',
      help: 'What the next latent step receives as its input embedding.',
      source: OURS,
      options: { softmax: 'softmax-weighted token embeddings', hidden: 'the last hidden state' },
    }),
    temperature: setting(z.number().positive().max(100).default(LATENT_DEFAULTS.temperature), {
      label: 'Temperature',
      tex: '\\tau',
      help: 'Of the softmax whose weighted embeddings are fed back. No effect when the hidden state is fed back.',
      source: OURS,
    }),
  },
);

/** A loss weight; 0 leaves its term out. */
export const weight = () => z.number().min(0).max(1e6);

const LEFT_OUT = '0 leaves the term out.';
export const weightHelp = (what: string): string => `${what} ${LEFT_OUT}`;

/** λ of the answer's cross entropy, which LoRi leaves open. */
export const answerWeight = answerWeightBy(OURS);

/** The same, of methods whose papers have it plain. @param tex its symbol, where the paper's own λ is another weight */
export const plainAnswerWeightAs = (tex: string) =>
  answerWeightBy('the papers that have the term weigh it 1; the default is this app’s own choice', tex);
export const plainAnswerWeight = plainAnswerWeightAs('\\lambda');

function answerWeightBy(source: string, tex = '\\lambda') {
  return setting(weight().default(0.3), {
    label: 'Answer cross-entropy',
    tex,
    help: weightHelp('Weight of the cross-entropy on the answer tokens.'),
    source,
  });
}

/** Weight of the explicit pass. */
export const explicitWeight = setting(weight().default(0), {
  label: 'Explicit cross-entropy',
  tex: '\\lambda_E',
  help: weightHelp(
    'Weight of the cross-entropy on the written rationale and answer, which keeps explicit reasoning intact (LoRi-E).',
  ),
  source: OURS,
});

/** @param given what it is predicted from, in TeX  @param symbol of its weight  @param said what is predicted, in TeX */
export const answerTerm = (
  given: string,
  source: string,
  { symbol = '\\lambda', said = '\\text{answer}' } = {},
): LossTerm => ({
  name: 'answer',
  label: 'answer',
  tex: `${symbol}\\,\\mathcal{L}_{\\mathrm{CE}}(${said}\\mid ${given})`,
  unit: 'nats per answer token, weighted',
  about: 'Cross-entropy of the answer tokens.',
  source,
  weight: 'weights.answer',
  sits: onAnswer(),
});

export const explicitTerm: LossTerm = {
  name: 'explicit',
  label: 'explicit',
  tex: '\\lambda_E\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{rationale, answer}\\mid x)',
  unit: 'nats per token, weighted',
  about: 'Cross-entropy of the written rationale and answer.',
  source: 'LoRi §3.1 (LoRi-E)',
  weight: 'weights.explicit',
  sits: onWritten,
};

/** The rationale that the teacher is forced through. */
export const rationaleSetting = setting(z.enum(['steps', 'results']).default('results'), {
  label: 'Teacher rationale',
  help: 'The rationale tokens the teacher is forced on: whole steps (<<12+7=19>>), as in the paper, or only their results (19).',
  source: OURS,
  options: { steps: 'whole steps', results: 'results only' },
});

/** The group `chain` of a method that also trains on the written rationale. */
export const chainSettings = group(
  { title: 'Written rationale' },
  {
    omitLastStep: setting(z.boolean().default(true), {
      label: 'Omit the last step',
      help: 'Train on rationales without their last step, so that the answer cannot be copied from it.',
      source: 'CODI §4 and DART §4.1 leave it out',
    }),
  },
);

/** Weights of the two means of the written pathway's cross entropy. */
export const chainWeights = {
  chain: setting(weight().default(1), {
    label: 'Rationale cross-entropy',
    tex: '\\lambda_Z',
    help: weightHelp('Weight of the cross-entropy on the written rationale and the answer prompt.'),
    source: 'the papers that have the term weigh it 1',
  }),
  chainAnswer: setting(weight().default(1), {
    label: 'Cross-entropy of the answer after it',
    tex: '\\lambda_Y',
    help: weightHelp('Weight of the cross-entropy on the answer after the written rationale.'),
    source: 'the papers that have the term weigh it 1',
  }),
};

export const chainTerm = (source: string): LossTerm => ({
  name: 'chain',
  label: 'rationale',
  tex: '\\lambda_Z\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{rationale, prompt}\\mid x)',
  unit: 'nats per token, weighted',
  about: 'Cross-entropy of the written rationale and the answer prompt.',
  source,
  weight: 'weights.chain',
  sits: { path: WRITTEN, at: ['reasoning', 'prompt'] },
});

export const chainAnswerTerm = (source: string): LossTerm => ({
  name: 'chainAnswer',
  label: 'answer after it',
  tex: '\\lambda_Y\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{answer}\\mid x, \\text{rationale})',
  unit: 'nats per answer token, weighted',
  about: 'Cross-entropy of the answer after the written rationale.',
  source,
  weight: 'weights.chainAnswer',
  sits: onAnswer(WRITTEN),
});
