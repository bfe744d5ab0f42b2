import { count, group, OURS, setting } from '../settings';
import { defineMethod } from './method';
import { added, counted, onSupervised, studentPath } from './paths';
import { supervisedSetting } from './self-distillation';
import { answerTerm, plainAnswerWeight } from './shared';

/** Pause tokens in fine-tuning alone: more positions to compute in, nothing fed back. */
export const pauseFt = defineMethod({
  id: 'pause-ft',
  label: 'PauseFT',
  about: 'The same learned token M times between question and answer, in one parallel pass.',
  source: 'Goyal et al., arXiv:2310.02226: fine-tuning with pauses, without pauses in pre-training',
  settings: () => ({
    pauses: group(
      { title: 'Pauses' },
      {
        count: setting(count(0, 64).default(10), {
          label: 'Pauses',
          tex: 'M',
          unit: 'tokens',
          help: 'Copies of the pause token after the question; the last one’s output predicts the next token. Without any it is No-CoT.',
          source: 'Goyal et al. try 10 and 50: 10 on GSM8k',
        }),
      },
    ),
    weights: group({ title: 'Loss weights' }, { answer: plainAnswerWeight }),
    answer: group({ title: 'Answer' }, { supervised: supervisedSetting('answer', OURS) }),
  }),
  loss: '\\mathcal{L} = \\lambda\\,\\mathcal{L}_{\\mathrm{CE}}(\\text{answer}\\mid x, p^M)',
  paths: ({ pauses: { count } }: { readonly pauses: { readonly count: number } }) => [
    count > 0
      ? studentPath('Path with pauses', added(counted(count, 'pause'), `one learned token, ${count} times`))
      : studentPath('Direct path'),
  ],
  terms: [{ ...answerTerm('x, p^M', 'Goyal et al. §3'), sits: onSupervised }],
  presets: [
    {
      id: 'pause-ft-128',
      name: 'PauseFT',
      about: 'Ten copies of one learned token before the answer. Tuned for the bundled pair.',
      changes: {
        weights: { answer: 1 },
        lora: { rank: 16 },
        optimiser: { steps: 100, learningRate: 2e-3 },
      },
    },
    {
      id: 'pause-ft-llama-1b',
      name: 'PauseFT, DART table 1, Llama-3.2-1B',
      about:
        'As many pauses as DART has silent thoughts, 20. What else DART trains it with is not told, and here as it trains its own method, with its separator “Answer:”: 10 epochs, here over 4096 samples rather than 385,620, 128 a step. Not for the bundled pair.',
      paper: true,
      changes: {
        data: { samples: 4096, prompt: 'Answer:' },
        pauses: { count: 20 },
        weights: { answer: 1 },
        lora: { rank: 128, alpha: 32, targets: ['q', 'k', 'v', 'o'] },
        optimiser: { steps: 320, batch: 32, accumulation: 4, learningRate: 8e-4, warmup: 0.03 },
      },
    },
  ],
});
