import type { Measured } from './browser';

/** The result whose tokens a CPU second are in the middle. */
export const middleOf = (results: readonly Measured[]): Measured =>
  [...results].sort((a, b) => a.tokensPerCpuSecond - b.tokensPerCpuSecond)[results.length >> 1] as Measured;

/** One engine's line, with how far its text is that of `reference`. */
export function lineOf(name: string, measured: Measured, reference: Measured): string {
  const { tokensPerSecond, tokensPerCpuSecond, firstToken, peak } = measured;
  const speed = `${tokensPerSecond.toFixed(1)} tokens/s, ${tokensPerCpuSecond.toFixed(1)} a CPU second`;
  const rest = `first token after ${firstToken.toFixed(1)} s, renderer at most ${peak.toFixed(0)} MB`;
  return `${name}: ${speed}; ${rest}; ${agreement(measured, reference)}`;
}

/** How many tokens are the reference's before the first that is not, and how far their log-probabilities are apart. */
export function agreement(measured: Measured, reference: Measured): string {
  if (measured === reference) return 'the text that the others are held against';
  const { tokens, logProbabilities } = measured;
  const differing = tokens.findIndex((id, i) => id !== reference.tokens[i]);
  const same = differing < 0 ? tokens.length : differing;
  const most = logProbabilities
    .slice(0, same)
    .reduce((m, x, i) => Math.max(m, Math.abs(x - (reference.logProbabilities[i] as number))), 0);
  const first = `the first ${same} of ${tokens.length} tokens the same`;
  return same === 0 ? first : `${first}, log-probabilities within ${most.toExponential(1)}`;
}
