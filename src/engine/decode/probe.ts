import { NumericError } from '../base/errors';

/**
 * The k most probable entries of softmax(logits) and its entropy in nats; float64.
 * @throws NumericError where a logit is not finite
 */
export function topProbabilities(
  logits: Float32Array,
  k: number,
): { top: { id: number; probability: number }[]; entropy: number } {
  const bad = logits.find((x) => !Number.isFinite(x));
  if (bad !== undefined)
    throw new NumericError(
      `a logit of the model is ${bad}`,
      'The weights have diverged: train again with a lower learning rate.',
    );
  const max = logits.reduce((m, x) => Math.max(m, x), Number.NEGATIVE_INFINITY);
  const weights = Float64Array.from(logits, (x) => Math.exp(x - max));
  const sum = weights.reduce((s, x) => s + x, 0);
  let entropy = 0;
  for (const w of weights) if (w > 0) entropy -= (w / sum) * Math.log(w / sum);
  const order = Array.from(weights.keys()).sort((a, b) => (weights[b] as number) - (weights[a] as number));
  return {
    top: order.slice(0, k).map((id) => ({ id, probability: (weights[id] as number) / sum })),
    entropy,
  };
}
