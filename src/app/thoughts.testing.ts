/** Made-up thoughts and answers for tests of the page. */
import type { TokenProbability } from '../contract/events';
import type { Moment } from '../contract/latents';
import type { AnswerDifference, BranchAnswer, ThoughtReport } from '../contract/thoughts';

/** Deterministic, in [0, 1). */
const noise = (i: number) => (((Math.sin(i * 12.9898) * 43758.5453) % 1) + 1) % 1;

const [LAYERS, HEADS, HIDDEN] = [4, 4, 8];
export const madeSizes = { layers: LAYERS, heads: HEADS, hidden: HIDDEN };
const WORDS = ['12', '48', ' pens', '<s>', '46', '2', '\n', ' left'];

function madeTop(seed: number): readonly TokenProbability[] {
  const weights = WORDS.map((_, i) => Math.exp(-i * (0.6 + 0.3 * noise(seed))));
  const sum = weights.reduce((a, b) => a + b, 0) * 1.1;
  return WORDS.map((text, i) => ({
    id: i,
    text: WORDS[(i + seed) % WORDS.length] ?? text,
    probability: weights[i]! / sum,
  }));
}

/** @param taught whether the teacher has reasoned about the question */
export function madeThought(
  { step, interventions }: Moment,
  tokens: readonly string[],
  K: number,
  taught: boolean,
): ThoughtReport {
  const changes = interventions.filter((one) => one.step <= step).length;
  const seed = step + 7 * changes;
  const count = tokens.length + step;
  const attention = new Float32Array(LAYERS * HEADS * count);
  for (let row = 0; row < LAYERS * HEADS; row++) {
    const weights = Array.from(
      { length: count },
      (_, i) => noise(row * 31 + i + seed) ** 4 + (i === 0 ? 2 : 0),
    );
    const sum = weights.reduce((a, b) => a + b, 0);
    weights.forEach((weight, i) => {
      attention[row * count + i] = weight / sum;
    });
  }
  const shown = (at: number) => ({ top: madeTop(at), entropy: 1.2 + noise(at) });
  const values = Float32Array.from({ length: HIDDEN }, (_, i) => noise(seed * 10 + i) - 0.5);
  const isChanged = interventions.some((one) => one.step === step && one.at.site === 'latent');
  return {
    step,
    fed: step === 0 ? null : { ...shown(seed), values, norm: 1.5 + noise(seed), normBefore: 2, isChanged },
    next:
      step < K
        ? { kind: 'thought', ...shown(seed + 1), values, norm: 1.5 }
        : { kind: 'prompt', tokens: [' The', ' answer', ' is', ':'] },
    layers: Array.from({ length: LAYERS }, (_, l) => ({ ...shown(seed + l), norm: 3 + l })),
    columns: [
      ...tokens.map((text) => ({ text, step: null })),
      ...Array.from({ length: step }, (_, t) => ({ text: `z${t + 1}`, step: t + 1 })),
    ],
    heads: HEADS,
    attention,
    teacher: taught
      ? Array.from({ length: LAYERS }, (_, l) => ({
          layer: l + 1,
          nearest: { index: 2, text: '12', distance: 0.4 + 0.1 * noise(seed + l), cosine: 0.9 },
          toMean: 0.8,
          energy: Float64Array.of(0.5, 0.7, 0.8, 0.85),
        }))
      : {
          missing: 'the teacher has not reasoned about this question: ask for its explicit chain of thought',
        },
    milliseconds: 6.4,
    ran: 1,
  };
}

export const madeAnswer = ({ step, interventions }: Moment): BranchAnswer => ({
  step,
  text: interventions.length > 0 ? 'The answer is: 12' : 'The answer is: 10',
  value: interventions.length > 0 ? '12' : '10',
  top: [{ id: 9, text: '10', probability: interventions.length > 0 ? 0.3 : 0.82 }],
  tokens: ['1', '0'],
  milliseconds: 9.1,
  totalMilliseconds: 41.5,
  ran: 0,
});

export const madeDifference = (before: Moment, after: Moment): AnswerDifference => ({
  before: madeAnswer(before),
  after: madeAnswer(after),
  first: [
    { id: 9, text: '10', before: 0.82, after: 0.3 },
    { id: 0, text: '12', before: 0.1, after: 0.6 },
  ],
  divergence: [
    { text: '10', nats: 0.64 },
    { text: '</s>', nats: 0.01 },
  ],
});
