import { NumericError } from '../base/errors';
import { checkSampling, draw, type SamplingOptions, scaleOf } from './draw';
import { type NoiseKey, noise, type SampledToken } from './sample-next';

/**
 * Draws a token from all logits [V] of a row in host memory: the same token as `sampleNext` draws from the same logits, up to
 * rounding. @throws NumericError if a logit is NaN or infinite, InputError for impossible settings
 */
export function sampleFrom(logits: Float32Array, options: SamplingOptions, key: NoiseKey): SampledToken {
  checkSampling(options);
  let best = 0;
  logits.forEach((x, id) => {
    if (x > (logits[best] as number)) best = id;
  });
  const max = logits[best] as number;
  const mass = (scale: number): number => logits.reduce((sum, x) => sum + Math.exp((x - max) * scale), 0);
  const all = mass(1);
  if (!Number.isFinite(all) || !Number.isFinite(max))
    throw new NumericError(
      'the logits of the next token are not finite',
      'Use another text, or another checkpoint.',
    );
  if (options.temperature === 0) return { id: best, logProbability: -Math.log(all), probability: 1 };
  const row = {
    blocks: [{ first: 0, count: logits.length }],
    maxima: Float32Array.of(max),
    masses: Float32Array.of(mass(scaleOf(options.temperature))),
  };
  const drawing = draw(row, options, noise(key));
  let step = drawing.next();
  while (!step.done) step = drawing.next(step.value.map(() => logits));
  const { id, logit, probability } = step.value;
  return { id, probability, logProbability: logit - max - Math.log(all) };
}
