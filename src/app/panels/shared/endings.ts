import type { GenerateEnding } from '../../../contract/generate';

/** How a sample ended, in words. */
export const ENDINGS: Readonly<Record<GenerateEnding, string>> = {
  end: 'The model ended the text.',
  stop: 'Ended before a stop string.',
  limit: 'Cut off at the length limit.',
  positions: 'Cut off at the model’s last position.',
};
