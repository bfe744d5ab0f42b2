import type { GenerateEnding } from '../../../contract/generate';

/** How a sample ended, in words. */
export const ENDINGS: Readonly<Record<GenerateEnding, string>> = {
  end: 'The model ended the text.',
  stop: 'Ended before a stop string.',
  limit: 'Cut at the length limit.',
  positions: 'Cut at the last position of the model.',
};
