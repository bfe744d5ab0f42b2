import { ADAPTIVE_WITHIN, markAnswer } from '../../../contract/answer-rules';

/** Rewards and advantages of a group of completions of one question (adaptive latent reasoning, §3.3). */

/** What a reward depends on. */
export interface Completion {
  /** Whether the answer prompt is there as it must be. A completion without it counts as incorrect. */
  readonly formatted: boolean;
  readonly correct: boolean;
  /** Reasoning tokens: latents, and the two tokens around them. */
  readonly length: number;
}

export interface RewardSettings {
  /** λ_penalty: how much a longer reasoning loses where at least `cutoff` of the group is correct. */
  readonly penalty: number;
  /** λ_reward: how much it gains elsewhere. */
  readonly reward: number;
  /** p_cutoff */
  readonly cutoff: number;
}

export interface Reward {
  /** −1 without the format, else 0. */
  readonly format: number;
  /** 1 or 0. */
  readonly correct: number;
  /** Relative length among the group's correct completions, weighted; 0 for others. */
  readonly length: number;
}

export const totalOf = ({ format, correct, length }: Reward): number => format + correct + length;

/** Eq. 1 to 4: terms of each completion's reward. */
export function rewardsOf(
  group: readonly Completion[],
  { penalty, reward, cutoff }: RewardSettings,
): Reward[] {
  const isRight = ({ formatted, correct }: Completion): boolean => formatted && correct;
  const lengths = group.filter(isRight).map(({ length }) => length);
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)];
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  const coefficient = lengths.length / group.length >= cutoff ? -penalty : reward;
  return group.map((one) => ({
    format: one.formatted ? 0 : -1,
    correct: isRight(one) ? 1 : 0,
    length:
      isRight(one) && longest > shortest ? (coefficient * (one.length - mean)) / (longest - shortest) : 0,
  }));
}

/** Added to the standard deviation. */
const EPSILON = 1e-4;

/** (r − mean)/(std + 1e-4) within the group, std unbiased, as TRL normalises; 0 in a group of one. */
export function advantagesOf(rewards: readonly number[]): number[] {
  const n = rewards.length;
  if (n < 2) return rewards.map(() => 0);
  const mean = rewards.reduce((sum, r) => sum + r, 0) / n;
  const std = Math.sqrt(rewards.reduce((sum, r) => sum + (r - mean) ** 2, 0) / (n - 1));
  return rewards.map((r) => (r - mean) / (std + EPSILON));
}

/**
 * Whether a completion's text begins with the answer prompt and has it only once, and whether the first number after it is
 * the reference's: the rule of the paper's code, which compares in lower case and leaves out commas.
 */
export function judgeCompletion(
  text: string,
  prompt: string,
  answer: string,
): Pick<Completion, 'formatted' | 'correct'> {
  const parts = text.toLowerCase().split(prompt.trim().toLowerCase());
  const formatted = parts.length === 2 && parts[0]?.trim() === '';
  const found = numberAfter(parts.at(-1) ?? '');
  const expected = numberAfter(answer);
  const close = found !== undefined && expected !== undefined && Math.abs(found - expected) < ADAPTIVE_WITHIN;
  return { formatted, correct: formatted && close };
}

/** The first number of a text, commas left out: `$1,234.50.` is 1234.5, `-.5` is −0.5, `3-1` is 3. */
export function numberAfter(text: string): number | undefined {
  const mark = markAnswer('first-number', text);
  return mark === null ? undefined : Number.parseFloat(mark.value);
}
