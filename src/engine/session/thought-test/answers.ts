import type { ProblemCodec, TokenProblem } from '../../data/tokens';
import type { Decoder } from '../../decode/decoder';
import { greedy, prompted } from '../../decode/greedy';
import { logitsOf } from '../../decode/readout';
import { type ReasonOptions, reasonFrom } from '../../decode/reason';
import type { Reasoning } from '../../decode/reasoning';
import type { DecoderState } from '../../decode/state';
import { type AnswerJudge, judged, textOf } from '../../eval/answer';
import { readQuestions } from '../../eval/read-questions';
import type { Tokenizer } from '../../tokenizer/tokenizer';

/** A student that answers the same problems repeatedly. */
export interface Answerer {
  readonly decoder: Decoder;
  readonly codec: Pick<ProblemCodec, 'prompt' | 'padId'>;
  readonly tokenizer: Tokenizer;
  readonly endIds: readonly number[];
  readonly problems: readonly { readonly tokens: Pick<TokenProblem, 'question'>; readonly answer: string }[];
  /** Maximum number of tokens to generate. */
  readonly limit: number;
  /** Default: exact equality of the last number. */
  readonly judge?: AnswerJudge | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What one condition gives on a batch, by row. */
export interface BatchAnswers {
  readonly right: readonly boolean[];
  /** What each answer is read as, a number if it is one; undefined if nothing is found. */
  readonly values: readonly (number | string | undefined)[];
  /** Log-probabilities of the answer's first token, [B, V]. */
  readonly first: Float32Array;
}

/**
 * Passes the state after each batch's questions, which every condition starts from, to `use`, with the
 * positions of its problems in the whole list. @param of indices of the problems @param isTaken whether `use`
 * disposes of the state @throws CancelledError
 */
export function inBatches(
  answerer: Answerer,
  of: readonly number[],
  use: (question: DecoderState, problems: readonly number[]) => Promise<void>,
  isTaken = false,
): Promise<void> {
  const problems = of.map((i) => answerer.problems[i] as Answerer['problems'][number]);
  return readQuestions({ ...answerer, problems }, 'the test of the thoughts', async (question, rows) => {
    try {
      await use(
        question,
        rows.map((row) => of[row] as number),
      );
    } finally {
      if (!isTaken) question.dispose();
    }
  });
}

/**
 * Thinks and answers from a batch's question state, which is kept. @throws NumericError for logits that are
 * not finite
 */
export async function answersOf(
  { decoder, codec, tokenizer, endIds, problems, limit, judge, signal }: Answerer,
  question: DecoderState,
  rows: readonly number[],
  reasoning: Reasoning,
  given?: ReasonOptions['given'],
): Promise<BatchAnswers> {
  const { state } = await reasonFrom(decoder, { state: question, fed: 0 }, reasoning, { given, signal });
  try {
    return await prompted({ decoder, prompt: codec.prompt }, state, async (asked) => {
      const first = logSoftmax(await logitsOf(decoder, asked), decoder.shape.batch);
      // A student that writes the prompt itself is fed it here only for the distribution after it.
      const written = await greedy(decoder, reasoning.explicit ? state : asked, {
        ...{ endIds, limit, signal },
        ...(reasoning.ends !== undefined && { ends: reasoning.ends }),
      });
      const read = rows.map((problem, i) =>
        judged(textOf(tokenizer, written[i] ?? []), problems[problem]?.answer ?? '', judge),
      );
      return {
        right: read.map(({ right }) => right),
        values: read.map(({ mark }) => (mark === null ? undefined : plainValue(mark.value))),
        first,
      };
    });
  } finally {
    if (state !== question) state.dispose();
  }
}

/** `3.0` and `3` are one answer. */
const plainValue = (text: string): number | string =>
  text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;

/** In place, [B, V]. */
function logSoftmax(logits: Float32Array, B: number): Float32Array {
  const V = logits.length / B;
  for (let b = 0; b < B; b++) {
    const row = logits.subarray(b * V, (b + 1) * V);
    const largest = row.reduce((a, x) => Math.max(a, x), -Infinity);
    let sum = 0;
    for (const x of row) sum += Math.exp(x - largest);
    const norm = largest + Math.log(sum);
    for (let v = 0; v < V; v++) row[v] = (row[v] as number) - norm;
  }
  return logits;
}

/** KL(p ‖ q) in nats of row b of two batches of log-probabilities. Rounding can make equal ones slightly negative. */
export function divergenceOf(p: Float32Array, q: Float32Array, b: number, B: number): number {
  const V = p.length / B;
  let sum = 0;
  for (let v = b * V; v < (b + 1) * V; v++) {
    const logP = p[v] as number;
    sum += Math.exp(logP) * (logP - (q[v] as number));
  }
  return Math.max(0, sum);
}
