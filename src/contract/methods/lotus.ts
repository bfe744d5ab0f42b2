import { z } from 'zod';
import { count, group, OURS, setting } from '../settings';
import { defineMethod } from './method';
import { type FedBack, fedBack, STUDENT, studentPath } from './paths';
import { answerTerm, latentSettings, plainAnswerWeight, weight, weightHelp } from './shared';

/** LOTUS-style: its loss on latents, not its looped blocks, its curriculum or its full fine-tuning. */
export const lotus = defineMethod({
  id: 'lotus',
  label: 'LOTUS-style',
  about:
    'Latents say the gold steps through the model’s own head: each is trained by cross-entropy on a token of its step.',
  source:
    'LOTUS, arXiv:2606.31779, its loss on latents; without its looped blocks, curriculum and full fine-tuning',
  settings: () => ({
    latent: latentSettings,
    gold: group(
      { title: 'Gold tokens' },
      {
        of: setting(z.enum(['steps', 'results']).default('results'), {
          label: 'Tokens',
          help: 'What the latents of a block say of their step: its tokens in order (<<12, +7, =19>>), or its result (19).',
          source: OURS,
          options: { steps: 'whole steps', results: 'results only' },
        }),
        at: setting(z.enum(['latent', 'before']).default('latent'), {
          label: 'Said at',
          help: 'The position whose state says the token: that of the latent, as in LOTUS, whose latents are not made one from another; or the one before, whose state the latent is made of, so that with softmax feedback the latent is the token as it is said.',
          source: 'LOTUS: at the latent; the other is a choice of this project',
          options: { latent: 'the latent', before: 'the position before it' },
        }),
        width: setting(count(1, 16).default(1), {
          label: 'Latents per step',
          tex: 'c',
          unit: 'latents',
          help: 'Latents in a block; block i belongs to step i, and the number of latent steps must be a multiple. Tokens beyond it are not supervised, and neither are steps beyond the last block.',
          source:
            'LOTUS uses 25 positions (13 for GPT-2); the default is this app’s own choice: the bundled pair’s results have one token, its steps seven',
        }),
      },
    ),
    weights: group(
      { title: 'Loss weights' },
      {
        gold: setting(weight().default(0.05), {
          label: 'Gold tokens',
          tex: '\\lambda_G',
          help: weightHelp('Weight of the cross-entropy of the latents’ tokens.'),
          source: 'LOTUS',
        }),
        answer: plainAnswerWeight,
      },
    ),
  }),
  loss: '\\mathcal{L} = \\lambda_G\\,\\mathcal{L}_{\\mathrm{gold}} + \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}',
  paths: ({ latent }: { readonly latent: FedBack }) => [studentPath('Latent path', fedBack(latent))],
  terms: [
    {
      name: 'gold',
      label: 'gold tokens',
      tex: '\\lambda_G\\,\\mathcal{L}_{\\mathrm{CE}}(s_{i,j}\\mid h(z_{i,j}))',
      unit: 'nats per token, weighted',
      about: 'Cross-entropy of token j of step i, read by the head at latent j of block i.',
      source: 'LOTUS',
      weight: 'weights.gold',
      sits: { path: STUDENT, at: ['reasoning'] },
    },
    answerTerm('x, z_{1:K}', 'LOTUS'),
  ],
  presets: [
    {
      id: 'lotus-128',
      name: 'LOTUS-style',
      about:
        'Each latent says the result of its step, beside cross-entropy on the answer. Tuned for the bundled pair.',
      changes: { weights: { gold: 0.3, answer: 0.3 }, optimiser: { steps: 200, learningRate: 2e-3 } },
    },
    {
      id: 'lotus-before-128',
      name: 'LOTUS-style, said before the latent',
      about:
        'The result of a step is said by the state that its latent is made of, so that what is fed is the softened result: this project’s own reading of the loss. Tuned for the bundled pair.',
      changes: {
        gold: { at: 'before' },
        weights: { gold: 1, answer: 1 },
        lora: { rank: 16 },
        optimiser: { steps: 200, learningRate: 1e-3 },
      },
    },
    ...(
      [
        ['llama-1b', 'GPT-2 and Llama-3.2-1B', 1e-4],
        ['llama-3b', 'Llama-3.2-3B', 5e-5],
      ] as const
    ).map(([id, model, learningRate]) => ({
      id: `lotus-${id}`,
      name: `LOTUS-style, LOTUS’s values, ${model}`,
      about: `What LOTUS trains ${model} with, as far as it can be had here: six blocks, 30 epochs, all weights, here over 4096 samples rather than 385,620, 128 a step. A block has five positions rather than ${id === 'llama-3b' ? 25 : '13 or 25'}: there are 32 latents at most, one made of another. From the base rather than from a model that writes its steps, and without the curriculum. Weight decay, warm-up and schedule were not noted. Not for the bundled pair.`,
      paper: true,
      changes: {
        data: { samples: 4096 },
        latent: { steps: 30, filter: 'hidden' },
        gold: { of: 'steps', width: 5 },
        weights: { gold: 0.05, answer: 1 },
        training: { weights: 'full' },
        optimiser: { steps: 960, batch: 32, accumulation: 4, learningRate, clip: 1 },
      },
    })),
  ],
});
