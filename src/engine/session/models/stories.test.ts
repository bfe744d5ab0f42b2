import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { hasStories, runStories, STORIES_FORMS } from './stories.testing';

describe.skipIf(!(await hasStories()))('stories260K of ../shared, opened, on WASM', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  });
  afterAll(() => runtime.dispose());

  it.each(STORIES_FORMS)(
    '%s: gives the logits and tokens of the reference',
    async (form, files, tolerance) => {
      const { error, greedy, expected } = await runStories(runtime, files, 40);
      if (process.env.SHOW) console.log(form, error, greedy.filter((id, i) => id !== expected[i]).length);
      expect(error).toBeLessThan(tolerance);
      expect(greedy).toEqual(expected);
      expect(runtime.liveTensors).toBe(0);
    },
  );
});
