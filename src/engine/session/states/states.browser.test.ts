import { afterAll, beforeAll, expect, it } from 'vitest';
import { relativeError } from '../../train/tiny.testing';
import { resolveSubject } from '../models/subjects';
import { onBothProviders, TOLERANCE } from './both-providers.testing';
import { gatherStates, sequencesOf } from './states';

let both: Awaited<ReturnType<typeof onBothProviders>>;
beforeAll(async () => {
  both = await onBothProviders();
});
afterAll(() => both.close());

it('gathers the same states in the explicit pass on WebGPU as on WASM', async () => {
  const sequences = sequencesOf({ kind: 'problems', seed: 2, samples: 2 }, both.loaded);
  const [a, b] = await Promise.all(
    [both.gpu, both.cpu].map((models) =>
      gatherStates(models, resolveSubject({ kind: 'teacher' }, both.loaded), sequences, [
        'question',
        'rationale',
        'answer',
      ]),
    ),
  );
  for (const [i, sample] of (a?.samples ?? []).entries())
    expect(relativeError(sample.states, b?.samples[i]?.states ?? [])).toBeLessThan(TOLERANCE);
  expect(a?.samples.length).toBe(2);
});
