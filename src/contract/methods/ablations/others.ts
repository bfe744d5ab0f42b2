import { type AblationData, varying } from './ablation';

const ADAPTIVE = 'adaptive-128';

/** Adaptive latent reasoning: its variants of the distillation. */
export const adaptiveAblations: readonly AblationData[] = [
  {
    id: 'adaptive-distillation',
    name: 'Forms of the distillation (adaptive latent reasoning, figure 6)',
    about:
      'Llama-3.2-1B on GSM8K-Aug: CODI’s single token is best, the mean over all tokens adds nothing to it and alone has 42.6 %, and leaving out outer blocks makes both worse. Three of 16 blocks are left out at either end there, one of four here.',
    source: 'adaptive latent reasoning, appendix A.3 and figure 6',
    varied: 'form of the distillation',
    measure: 'accuracy',
    baseline: 'codi',
    points: [
      { name: 'codi', preset: ADAPTIVE },
      {
        name: 'meaned',
        preset: ADAPTIVE,
        changes: { alignment: { dropLast: false }, weights: { codi: 0, meaned: 1 } },
      },
      { name: 'meaned + codi', preset: ADAPTIVE, changes: { weights: { meaned: 1 } } },
      { name: 'codi, intermediate blocks', preset: ADAPTIVE, changes: { alignment: { skipped: 1 } } },
      {
        name: 'meaned, intermediate blocks',
        preset: ADAPTIVE,
        changes: { alignment: { skipped: 1, dropLast: false }, weights: { codi: 0, meaned: 1 } },
      },
    ],
  },
];

/** PCCoT: its iterations. */
export const pccotAblations: readonly AblationData[] = [
  {
    id: 'pccot-iterations',
    name: 'Jacobi iterations (PCCoT)',
    about:
      'With T = 0 the latents are plain learned tokens; with T as large as their number they are what one latent after another would be. PCCoT finds more than 3 to hurt with 24 latents.',
    source: 'PCCoT §4; the values are this project’s',
    varied: 'Jacobi iterations T',
    measure: 'accuracy',
    baseline: 'T = 3',
    points: varying([0, 1, 2, 3, 5, 8], 'pccot-128', 'T', (iterations) => ({ latent: { iterations } })),
  },
];
