/** The k most probable entries of softmax(logits) and its entropy in nats; float64. */
export function topProbabilities(
  logits: Float32Array,
  k: number,
): { top: { id: number; probability: number }[]; entropy: number } {
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
