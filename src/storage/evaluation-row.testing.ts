/** Kept evaluations for tests of the storage. */
import type { Evaluation } from '../contract/evaluation';

/** A made-up evaluation of this many problems, one of which has been answered. */
export const evaluation = (problems: number): Evaluation => ({
  request: {
    ...{ subject: { kind: 'base' }, mode: 'latent', source: { kind: 'held-out' } },
    ...{ problems, rule: 'set', together: 1 },
  },
  ...{ label: 'base', model: 'made', identity: { base: 'a', student: null }, thoughts: 4, counts: [4] },
  ...{ stopsByItself: false, rule: 'last-number', data: { name: 'made', sha256: null }, total: problems },
  notes: [],
  items: [
    {
      ...{ id: 'held-out-0', question: '1 + 1', steps: 1, answer: '2', text: '2', value: '2', right: true },
      ...{ thoughts: 4, tokens: 2, milliseconds: 3.5 },
    },
  ],
});
export const row = (problems: number, savedAt = problems) => ({ savedAt, evaluation: evaluation(problems) });
