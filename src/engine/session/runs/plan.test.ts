import { expect, it } from 'vitest';
import { MemoryError } from '../../base/errors';
import { refuseUnlessStatesFit, statesBytes } from './plan';
import { tinyRun } from './tiny-run.testing';

it('counts the teacher’s hidden states on what it reads and on anchors, and refuses what no page holds', () => {
  const roles = {
    codec: {
      encode: (_: unknown, form?: string) => ({
        ...{ question: [1], steps: [], answer: [2] },
        rationale: new Array<number>(form === 'results' ? 9 : 99).fill(3),
      }),
    },
    teacher: { model: { config: { layers: 24, hiddenSize: 896 } } },
  } as unknown as Parameters<typeof statesBytes>[2];
  const training = Array.from({ length: 128 }, () => ({
    problem: { question: '', steps: [], answer: '' },
  }));
  const bytes = statesBytes(training, tinyRun({ factors: { rationale: 'steps' } as never }), roles);
  expect(bytes).toBe(128 * 100 * 24 * 896 * 4);
  expect(statesBytes(training, tinyRun(), roles)).toBe(bytes / 10);
  expect(() => refuseUnlessStatesFit(bytes, 128)).not.toThrow();
  const many = () => refuseUnlessStatesFit(3 * bytes, 384);
  expect(many).toThrow(MemoryError);
  expect(many).toThrow('384 samples take 3.3 GB; at most 3 GB are held');
});
