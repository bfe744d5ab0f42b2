import { expect, it } from 'vitest';
import { positionsIn, positionsRun, type Reasoning, thoughtsIn } from './reasoning';

it('a recording of refined thoughts reruns them at every iteration', () => {
  const feedback = { kind: 'hidden' } as const;
  const reasoning: Reasoning = {
    adapters: [],
    stages: [
      { kind: 'embeddings', parameter: 'tokens', rows: [0] },
      { kind: 'jacobi', parameter: 'tokens', row: 2, count: 4, iterations: 3, feedback },
      { kind: 'latents', steps: 2, feedback },
    ],
  };
  expect(thoughtsIn(reasoning)).toBe(6);
  expect(positionsIn(reasoning)).toBe(7);
  expect(positionsRun(reasoning)).toBe(7 + 3 * 4);
});
