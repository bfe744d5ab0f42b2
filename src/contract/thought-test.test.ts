import { describe, expect, it } from 'vitest';
import { compareThoughts, type ThoughtCondition, type ThoughtTestPoint, verdictOf } from './thought-test';
import { conditionWords, verdictSentences } from './thought-test-words';

const N = 200;

/** `right` of 200 problems right: the first ones, unless `other`, which gets the last ones. */
function point(condition: ThoughtCondition, right: number, other = false): ThoughtTestPoint {
  const outcomes = Uint8Array.from({ length: N }, (_, i) => ((other ? i >= N - right : i < right) ? 1 : 0));
  return {
    condition,
    problems: Array.from({ length: N }, (_, i) => i),
    outcomes,
    changed: outcomes.map((one) => 1 - one),
    divergence: Float32Array.from({ length: N }, (_, i) => i / N),
    accuracy: { correct: right, total: N, share: right / N, low: 0, high: 1 },
  };
}

const straight = point({ kind: 'straight' }, 180);
const replaced = (
  by: 'mean' | 'noise' | 'other-answer' | 'pause' | 'permuted' | 'same-answer',
  right: number,
) => point({ kind: 'replaced', by }, right);

const told = (points: readonly ThoughtTestPoint[], thoughts = 2) => {
  const comparisons = compareThoughts({ straight, points });
  const verdict = verdictOf(comparisons);
  return {
    comparisons,
    verdict,
    text: verdictSentences({ straight, thoughts, points }, comparisons, verdict).join(' '),
  };
};

describe('the verdict follows from the numbers', () => {
  it('used: every telling replacement costs answers', () => {
    const { verdict, text } = told([
      replaced('mean', 20),
      replaced('noise', 10),
      replaced('other-answer', 30),
      replaced('pause', 5),
      point({ kind: 'count', thoughts: 0 }, 4),
    ]);
    expect(verdict).toMatchObject({ content: 'used', without: 'loss' });
    expect(text).toContain('What the thoughts hold is used');
    expect(text).toContain('Without any thought it gets 2.0 % right: it needs them.');
  });

  it('unused: nothing is lost whatever is fed, and the positions may still be needed', () => {
    const { verdict, text } = told([
      replaced('mean', 180),
      replaced('noise', 179),
      replaced('other-answer', 180),
      replaced('pause', 181),
      point({ kind: 'count', thoughts: 0 }, 20),
    ]);
    expect(verdict).toMatchObject({ content: 'unused', without: 'loss' });
    expect(text).toContain('What the thoughts hold is not used');
    expect(text).toContain('what counts is the positions, not what they hold');
  });

  it('partly, and undecided where neither a loss nor its absence is established', () => {
    expect(told([replaced('mean', 20), replaced('pause', 180)]).verdict.content).toBe('partly');
    // 8 of 200 lost and none gained is a loss without correction, but not with that for all comparisons.
    const some = told([
      replaced('pause', 175),
      replaced('mean', 180),
      ...Array.from({ length: 9 }, () => replaced('permuted', 180)),
    ]);
    expect(some.comparisons[0]?.finding).toBe('undecided');
    expect(some.verdict.content).toBe('undecided');
    expect(some.text).toContain(
      'remains undecided: with their mean over the problems a loss of 5.0 % of the problems is excluded; with a repeated pause token neither a loss nor its absence was established.',
    );
  });

  it('names the thoughts that matter on their own and those that do not', () => {
    const { verdict, text } = told(
      [1, 2, 3].map((thought) => point({ kind: 'one', thought }, thought === 2 ? 50 : 180)),
      3,
    );
    expect([verdict.matter, verdict.spare]).toEqual([[2], [1, 3]]);
    expect(text).toContain(
      'Replacing thought 2 alone costs answers; replacing thoughts 1 and 3 alone costs none.',
    );
  });

  it('says nothing where nothing is right to begin with', () => {
    const none = { ...straight, accuracy: { ...straight.accuracy, correct: 0, share: 0 } };
    expect(verdictSentences({ straight: none, thoughts: 2, points: [] }, [], verdictOf([]))).toEqual([
      expect.stringContaining('the test says nothing'),
    ]);
  });

  it('compares the same problems: where some have no partner, only the others count', () => {
    const part: ThoughtTestPoint = {
      ...replaced('same-answer', 0),
      problems: [0, 1, 2, 3, 190],
      outcomes: Uint8Array.of(1, 1, 0, 1, 1),
      changed: Uint8Array.of(0, 0, 1, 0, 1),
      divergence: Float32Array.of(0, 0, 1, 0, 1),
    };
    const [one] = compareThoughts({ straight, points: [part] });
    // Problem 2 is lost and problem 190 is gained.
    expect(one).toMatchObject({ difference: 0, p: 1, changed: 0.4 });
    expect(one?.divergence).toBeCloseTo(0.4, 6);
    // Differences 0, 0, −1, 0, 1: by enumeration a mean of five drawn of them is at least 0.6 in 3.6 % of cases, 0.8 in 0.5 %.
    expect(one?.bootstrap?.high).toBeCloseTo(0.6, 6);
  });

  it('gives the difference its bootstrap interval, which has no width where nothing changes', () => {
    const [lost, same] = compareThoughts({
      straight,
      points: [replaced('mean', 90), replaced('pause', 180)],
    });
    // 90 of 200 lost: the bootstrap's standard error is √(.45 · .55 / 200) = 0.035.
    expect(lost?.bootstrap?.low).toBeCloseTo(-0.45 - 1.96 * 0.0352, 1.7);
    expect(lost?.bootstrap?.high).toBeCloseTo(-0.45 + 1.96 * 0.0352, 1.7);
    expect(same?.bootstrap).toEqual({ low: 0, high: 0 });
  });
});

it('every condition has words of its own', () => {
  const all: ThoughtCondition[] = [
    { kind: 'straight' },
    { kind: 'count', thoughts: 0 },
    { kind: 'count', thoughts: 1 },
    { kind: 'replaced', by: 'zero' },
    { kind: 'one', thought: 1 },
    { kind: 'directions', of: 'equal-energy', rank: 3 },
  ];
  expect(new Set(all.map(conditionWords)).size).toBe(all.length);
});
