import { type Share, wilson } from '../../contract/interval';
import { throwIfCancelled } from '../base/errors';
import { yieldToEventLoop } from '../base/yield-to-event-loop';
import { leftPad } from '../data/batch';
import type { ProblemCodec, TokenProblem } from '../data/tokens';
import { type Branch, reasonInBranches } from '../decode/branches';
import type { Decoder, StepOptions } from '../decode/decoder';
import { greedy, prompted } from '../decode/greedy';
import type { Reasoning } from '../decode/reasoning';
import type { Intervention } from '../decode/sites';
import type { Tokenizer } from '../tokenizer/tokenizer';
import { type AnswerJudge, isCorrect, textOf } from './answer';

export interface EvaluationOptions {
  readonly decoder: Decoder;
  readonly codec: ProblemCodec;
  readonly tokenizer: Tokenizer;
  readonly endIds: readonly number[];
  /** Problems with their reference answers. */
  readonly problems: readonly { readonly tokens: TokenProblem; readonly answer: string }[];
  /** What is fed between question and answer prompt; the decoder runs with its adapters. */
  readonly reasoning: Reasoning;
  /** By default exact equality of the last number. */
  readonly judge?: AnswerJudge | undefined;
  /** Maximum number of tokens to generate. */
  readonly limit: number;
  /** On the hidden states at the question's positions, and at those after it. */
  readonly interventions?: {
    readonly question: readonly Intervention[];
    readonly generated: readonly Intervention[];
  };
  readonly onProgress?: (done: number, total: number) => void;
  /** Called for each problem, in no order, with its number and that of the latents after which it stopped reasoning. */
  readonly onOutcome?: (problem: number, isRight: boolean, latents: number) => void;
  readonly signal?: AbortSignal;
}

/** Share of problems answered correctly, see `outcomes`. */
export const accuracy = async (options: EvaluationOptions): Promise<Share> =>
  shareOf(await outcomes(options));

/** The share of right outcomes, 1 per problem for right and 0 for wrong. */
export const shareOf = (right: Uint8Array): Share =>
  wilson(
    right.reduce((sum, one) => sum + one, 0),
    right.length,
  );

/** For each problem 1 if the greedy answer is right by the rule and 0 if not. */
export async function outcomes(options: EvaluationOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { decoder, codec, tokenizer, problems, reasoning, signal } = options;
  const { batch: B, question: S } = decoder.shape;
  const right = new Uint8Array(problems.length);
  for (let from = 0; from < problems.length; from += B) {
    await yieldToEventLoop();
    throwIfCancelled(signal, 'evaluation');
    const chunk = problems.slice(from, from + B);
    // A short last chunk is filled up with its first problem; the copies are not counted.
    const filled = Array.from({ length: B }, (_, i) => chunk[i] ?? (chunk[0] as (typeof chunk)[number]));
    const { ids, keyMask } = leftPad(
      filled.map((p) => p.tokens.question),
      S,
      codec.padId,
    );
    const step = { interventions: options.interventions?.generated };
    const state = await decoder.begin(ids, keyMask, { interventions: options.interventions?.question });
    await reasonInBranches(decoder, state, reasoning, { step, signal }, async (branch) => {
      const { rows, latents } = branch;
      const answers = await answersOf(options, branch, step);
      for (const i of rows) {
        const problem = chunk[i];
        if (!problem) continue;
        const isRight = isCorrect(textOf(tokenizer, answers[i] as number[]), problem.answer, options.judge);
        if (isRight) right[from + i] = 1;
        options.onOutcome?.(from + i, isRight, latents);
      }
    });
    options.onProgress?.(Math.min(from + B, problems.length), problems.length);
  }
  return right;
}

/** The rows' answers, after the answer prompt where that is not written by the model. */
function answersOf(
  { decoder, codec, reasoning, endIds, limit, signal }: EvaluationOptions,
  { state, rows }: Branch,
  step: StepOptions,
): Promise<number[][]> {
  const prompt = reasoning.explicit ? [] : codec.prompt;
  const written = { endIds, limit, rows, ends: reasoning.ends, signal, step };
  return prompted({ decoder, prompt }, state, (at) => greedy(decoder, at, written), step);
}
