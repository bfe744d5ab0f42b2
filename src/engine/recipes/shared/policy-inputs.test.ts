import { describe, expect, it } from 'vitest';
import { type ConfigOf, parseRunConfig } from '../../../contract/config';
import { layoutOf } from '../../data/batch';
import type { TokenProblem } from '../../data/tokens';
import { policyInputs } from './policy-inputs';
import { POLICY_INPUTS } from './policy-step';
import type { Policy } from './recipe';

const [PROMPT, END] = [9, 1];
const codec = { prompt: [PROMPT], padId: 0, endId: END };
/** Problem n asks n, and is answered n. */
const problems: TokenProblem[] = [3, 4, 5, 6].map((n) => ({
  ...{ question: [n], rationale: [], steps: [], answer: [n, END] },
}));
const config = (kl = 0) =>
  parseRunConfig({
    ...{ method: 'grpo', latents: { min: 1, max: 3 }, weights: { kl } },
    reinforcement: { group: 2, tokens: 3 },
  }) as ConfigOf<'grpo'>;

/** Draws what is given; writes the prompt as words, and other ids as numbers. */
function policyOf(drawn: readonly { readonly latents: number; readonly text: readonly number[] }[]) {
  let references = 0;
  const policy: Policy = {
    complete: async () => drawn,
    async reference() {
      references++;
      return { decisions: new Float32Array(4 * 4).fill(-1), text: new Float32Array(4 * 3).fill(-2) };
    },
    text: (ids) => ids.map((id) => (id === PROMPT ? 'The answer is:' : ` ${id}`)).join(''),
  };
  return { policy, references: () => references };
}

const draw = async (drawn: Parameters<typeof policyOf>[0], of = config()) => {
  const { policy, references } = policyOf(drawn);
  const inputs = policyInputs(of, { problems, codec, layout: layoutOf(problems, codec, 4) });
  const place = { samples: [10, 11, 12, 13], step: 5 };
  const found = await inputs.draw?.(problems, place, policy);
  return { ...(found as NonNullable<typeof found>), references: references() };
};

const right = (n: number, latents: number) => ({ latents, text: [PROMPT, n, END] });
const wrong = (latents: number) => ({ latents, text: [PROMPT, 8] });

describe('drawn completions', () => {
  it('are of the first questions of a batch, as many as there are groups, and named by their samples', async () => {
    const { groups } = await draw([right(3, 1), wrong(2), right(4, 2), right(4, 3)]);
    expect(groups.map(({ sample }) => sample)).toEqual([10, 11]);
    expect(groups.map(({ completions }) => completions.map(({ correct }) => correct))).toEqual([
      [true, false],
      [true, true],
    ]);
    // Without the end token, which was drawn too.
    expect(groups[0]?.completions[0]?.text).toBe('The answer is: 3');
  });

  it('teach nothing where all rewards of a group are equal', async () => {
    const { feeds, groups } = await draw([right(3, 1), wrong(2), right(4, 2), right(4, 2)]);
    const advantages = Array.from(feeds[POLICY_INPUTS.advantages]?.data ?? []);
    expect(advantages[0]).toBeGreaterThan(0.7);
    expect(advantages[1]).toBeCloseTo(-(advantages[0] as number), 6);
    expect(advantages.slice(2)).toEqual([0, 0]);
    expect(groups[1]?.completions.map(({ advantage }) => advantage)).toEqual([0, 0]);
  });

  it('are compared with the reference only where its divergence has a weight', async () => {
    const drawn = [right(3, 1), wrong(2), right(4, 2), right(4, 3)];
    const without = await draw(drawn);
    expect(without.references).toBe(0);
    expect(without.feeds).not.toHaveProperty(POLICY_INPUTS.referenceText);
    const { references, feeds } = await draw(drawn, config(0.1));
    expect(references).toBe(1);
    expect(feeds[POLICY_INPUTS.referenceDecisions]?.shape).toEqual([4, 4]);
    expect(feeds[POLICY_INPUTS.referenceText]?.shape).toEqual([4, 3]);
  });

  it('are refused where a batch, no larger than the samples, is not of whole groups', () => {
    const layout = layoutOf(problems, codec, 3);
    expect(() => policyInputs(config(), { problems, codec, layout })).toThrow('batches of 3');
  });
});
