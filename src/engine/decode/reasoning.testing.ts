import type { Feedback } from '../nn/feedback';
import type { Reasoning } from './reasoning';

/** K latents of a student with one adapter; of one without any if `adapters` is empty. */
export const thinking = (
  steps: number,
  feedback: Feedback = { kind: 'softmax', temperature: 1 },
  adapters: readonly string[] = ['student'],
): Reasoning => ({ adapters, stages: [{ kind: 'latents', steps, feedback }] });
