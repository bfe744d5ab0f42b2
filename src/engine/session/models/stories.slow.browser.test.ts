import { describe, expect, it } from 'vitest';
import { webgpuProvider } from '../../testing/providers.testing';
import { hasStories, runStories, STORIES_FORMS } from './stories.testing';

describe.skipIf(!(await hasStories()))('stories260K of ../shared, opened, on WebGPU', () => {
  const provider = webgpuProvider();

  it.each(STORIES_FORMS)(
    '%s: gives the logits and tokens of the reference',
    async (_form, files, tolerance) => {
      // Only up to the position of the reference's logits: a software adapter is slow.
      const { error, greedy, expected } = await runStories(provider.gpu, files, 16);
      expect(error).toBeLessThan(tolerance);
      expect(greedy).toEqual(expected);
    },
  );
});
