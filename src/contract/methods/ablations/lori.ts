import { type AblationData, varying } from './ablation';

const PRESET = 'lori-paper-128';

/** What costs are compared at. */
const EQUAL = { optimiser: { steps: 200, batch: 8 }, lora: { rank: 8 } };

/** LoRi's ablations, as far as the copy of the paper we have tells them. */
export const loriAblations: readonly AblationData[] = [
  {
    id: 'lori-steps',
    name: 'Latent steps (LoRi figure 5, left)',
    about:
      'LoRi finds K = 5 best of 2 to 8 on GSM8K. Everything else stays: the bundled problems have up to 5 steps.',
    source: 'LoRi figure 5, left',
    varied: 'latent steps K',
    measure: 'accuracy',
    baseline: 'K = 5',
    points: varying([2, 3, 4, 5, 6, 7, 8], PRESET, 'K', (steps) => ({ latent: { steps } })),
  },
  {
    id: 'lori-samples',
    name: 'Training samples (LoRi figure 5, right)',
    about:
      'In LoRi accuracy grows quickly and saturates near 128 samples. The number of updates stays: fewer samples are seen more often.',
    source: 'LoRi figure 5, right',
    varied: 'training samples B',
    log: true,
    measure: 'accuracy',
    baseline: 'B = 128',
    points: varying([8, 16, 32, 64, 128, 256, 512, 1024], PRESET, 'B', (samples) => ({ data: { samples } })),
  },
  {
    id: 'lori-anchor',
    name: 'Anchor loss (LoRi table 3)',
    about:
      'LoRi’s table has the loss with and without its anchor term, which helps small models most. Here the anchor subspace also comes from HOSVD or, iterated, from HOOI: the paper’s text allows both.',
    source: 'LoRi table 3',
    varied: 'anchor loss',
    measure: 'accuracy',
    baseline: 'without',
    points: [
      { name: 'without', preset: PRESET, changes: { weights: { anchor: 0 } } },
      { name: 'HOSVD', preset: PRESET },
      { name: 'HOOI', preset: PRESET, changes: { factors: { anchor: { hooi: true } } } },
    ],
  },
  {
    id: 'training-cost',
    name: 'Training cost (LoRi table 2)',
    about:
      'LoRi reads its teacher once; CODI and its relatives run theirs at every step. Seconds of both parts on this machine, of 200 updates with 8 samples and adapters of rank 8 each; every method keeps the number of latents of its preset. The table’s other part, fine-tuning the teacher, is not part of a run here.',
    source: 'LoRi table 2',
    varied: 'method',
    measure: 'cost',
    baseline: 'LoRi',
    points: [
      { name: 'LoRi', preset: PRESET, changes: EQUAL },
      { name: 'CODI', preset: 'codi-self-128', changes: EQUAL },
      { name: 'PCCoT', preset: 'pccot-128', changes: EQUAL },
      { name: 'KaVa', preset: 'kava-128', changes: EQUAL },
      { name: 'SIM-CoT', preset: 'sim-cot-128', changes: EQUAL },
    ],
  },
  {
    id: 'latency',
    name: 'Latency of an answer (LoRi figure 4)',
    about:
      'LoRi answers 5.1 to 6.9 times as fast as explicit reasoning, and as fast as other methods with as many latents. Milliseconds of a held-out answer on this machine, several answered at once; rationales of the bundled problems are short.',
    source: 'LoRi figure 4',
    varied: 'method',
    measure: 'latency',
    baseline: 'CoT-SFT',
    points: [
      { name: 'CoT-SFT', preset: 'cot-sft-128' },
      { name: 'LoRi', preset: PRESET },
      { name: 'CODI', preset: 'codi-self-128' },
      { name: 'No-CoT', preset: 'nocot-128' },
    ],
  },
];
