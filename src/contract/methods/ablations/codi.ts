import { type AblationData, varying } from './ablation';

const PRESET = 'codi-self-128';

/** What makes the student of a fixed teacher most like CODI's. */
const STATIC = { latent: { filter: 'hidden' }, weights: { codi: 1 } };

/** CODI's ablations. */
export const codiAblations: readonly AblationData[] = [
  {
    id: 'codi-parts',
    name: 'Parts of CODI (CODI table 2)',
    about:
      'GPT-2 on GSM8k: CODI 43.7 %, separate static teacher 27.1, with a multitask student 42.2, without the L1 loss 24.5, with the last step 31.7, without projection 42.5, No-CoT-SFT 19.1. The static teacher here is the bundled one. Its students feed back the hidden state and weigh the distance by 1, as CODI does; what differs besides the teacher: no begin- and end-of-thought tokens, no projection, smooth L1 in place of L1, a rationale with its last step, cross-entropy of the answer without its prompt.',
    source: 'CODI table 2',
    varied: 'variant',
    measure: 'accuracy',
    baseline: 'CODI',
    points: [
      { name: 'CODI', preset: PRESET },
      { name: 'static teacher', preset: 'codi-128', changes: STATIC },
      {
        name: 'static teacher, multitask student',
        preset: 'codi-128',
        changes: { ...STATIC, weights: { ...STATIC.weights, explicit: 1 } },
      },
      { name: 'without L1', preset: PRESET, changes: { weights: { distillation: 0 } } },
      { name: 'with the last step', preset: PRESET, changes: { teacher: { rationale: 'steps' } } },
      { name: 'without projection', preset: PRESET, changes: { projection: { use: false } } },
      { name: 'No-CoT-SFT', preset: 'nocot-128' },
    ],
  },
  {
    id: 'codi-beta',
    name: 'Weight of the distillation (CODI table A4)',
    about: 'Llama-3.2-1B on GSM8k-Aug: 46.5, 50.2, 49.1, 51.9 and 51.4 % for β = 1, 5, 10, 20 and 30.',
    source: 'CODI table A4',
    varied: 'weight of the distillation β',
    measure: 'accuracy',
    baseline: 'β = 1',
    points: varying([1, 5, 10, 20, 30], PRESET, 'β', (distillation) => ({ weights: { distillation } })),
  },
  {
    id: 'codi-gamma',
    name: 'Weight of the explicit path (CODI table A5)',
    about:
      'GPT-2 on GSM8k-Aug, 40 epochs: 38.2, 43.7 and 41.9 % for γ = 0.5, 1 and 2; 40.8 for 3 after 20 epochs.',
    source: 'CODI table A5',
    varied: 'weight of the explicit path γ',
    measure: 'accuracy',
    baseline: 'γ = 1',
    points: varying([0.5, 1, 2, 3], PRESET, 'γ', (teacher) => ({ weights: { teacher } })),
  },
  {
    id: 'codi-prompts',
    name: 'Answer prompt and aligned token (CODI table A6)',
    about:
      'GPT-2 on GSM8k-Aug, 20 epochs: 39.0, 38.4, 40.2, 38.1, 40.1, 39.0 and 38.4 % in the order of the points, all within two standard deviations (1.8) of the first. The aligned token is each prompt’s last. The bundled tokenizer has words for “The answer is:” and “The answer is” alone: of the others, those it does not have are its unknown token. With an opened model the setting “Answer prompt” takes any of them to the letter.',
    source: 'CODI appendix G, table A6',
    varied: 'answer prompt',
    measure: 'accuracy',
    baseline: 'The answer is:',
    points: [
      { name: 'The answer is:', preset: PRESET },
      ...[
        'Answer:',
        'Therefore, based on all previous calculations, we conclude that the final answer is:',
        'The answer is',
        'We give the answer as',
        'We find the answer to be',
        'The answer is boxed{',
      ].map((prompt) => ({ name: prompt, preset: PRESET, changes: { data: { prompt } } })),
    ],
  },
  {
    id: 'codi-steps',
    name: 'Latent steps (CODI figure 5)',
    about:
      'CODI’s accuracy on GSM8k is highest with six latents. The values of the figure’s axis are not in its text: these are this project’s.',
    source: 'CODI figure 5',
    varied: 'latent steps K',
    measure: 'accuracy',
    baseline: 'K = 6',
    points: varying([1, 2, 3, 4, 6, 8], PRESET, 'K', (steps) => ({ latent: { steps } })),
  },
];
