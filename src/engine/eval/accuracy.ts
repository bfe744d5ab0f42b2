import { type Share, wilson } from '../../contract/interval';
import type { ProblemCodec, TokenProblem } from '../data/tokens';
import { type Branch, reasonInBranches } from '../decode/branches';
import type { Decoder, StepOptions } from '../decode/decoder';
import { greedy, prompted } from '../decode/greedy';
import type { Reasoning } from '../decode/reasoning';
import type { Intervention } from '../decode/sites';
import type { Tokenizer } from '../tokenizer/tokenizer';
import { type AnswerJudge, judged, textOf } from './answer';
import { readQuestions } from './read-questions';

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
  /** Called for each problem, in no order. */
  readonly onOutcome?: (outcome: Outcome) => void;
  readonly signal?: AbortSignal | undefined;
}

/** One problem, answered. */
export interface Outcome {
  /** Its number among the problems. */
  readonly problem: number;
  readonly isRight: boolean;
  /** Latents after which it stopped reasoning; 0 unless it stops by itself. */
  readonly latents: number;
  /** What was written, of how many tokens, and what the rule read in it; `null` if it found nothing. */
  readonly text: string;
  readonly tokens: number;
  /** Of these, those of a rationale: before the answer prompt, where the model writes that itself. */
  readonly written: number;
  readonly value: string | null;
  /** From the question of its batch to the end of its branch's answers. */
  readonly milliseconds: number;
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
  const { decoder, codec, tokenizer, problems, reasoning, signal, interventions } = options;
  const right = new Uint8Array(problems.length);
  const reading = { decoder, codec, problems, signal, step: { interventions: interventions?.question } };
  const step = { interventions: interventions?.generated };
  await readQuestions(reading, 'evaluation', async (question, rows, began) => {
    await reasonInBranches(decoder, question, reasoning, { step, signal }, async (branch) => {
      const answers = await answersOf(options, branch, step);
      for (const i of branch.rows) {
        const at = rows[i];
        if (at === undefined) continue;
        const { answer } = problems[at] as (typeof problems)[number];
        const ids = answers[i] as number[];
        const text = textOf(tokenizer, ids);
        const { right: isRight, mark } = judged(text, answer, {
          ...options.judge,
          isWhole: reasoning.explicit,
        });
        if (isRight) right[at] = 1;
        options.onOutcome?.({
          ...{ problem: at, isRight, latents: branch.latents, text },
          ...{ tokens: ids.length, written: reasoning.explicit ? before(ids, codec.prompt) : 0 },
          ...{ value: mark?.value ?? null, milliseconds: performance.now() - began },
        });
      }
    });
    options.onProgress?.((rows.at(-1) ?? 0) + 1, problems.length);
  });
  return right;
}

/** Number of tokens before the last place where others stand in them; all where they do not. */
function before(ids: readonly number[], others: readonly number[]): number {
  for (let at = ids.length - others.length; at >= 0; at--)
    if (others.every((id, i) => ids[at + i] === id)) return at;
  return ids.length;
}

/** The rows' answers, after the answer prompt where that is not written by the model. */
export function answersOf(
  {
    decoder,
    codec,
    reasoning,
    endIds,
    limit,
    signal,
  }: Pick<EvaluationOptions, 'decoder' | 'codec' | 'reasoning' | 'endIds' | 'limit' | 'signal'>,
  { state, rows }: Pick<Branch, 'state' | 'rows'>,
  step: StepOptions = {},
): Promise<number[][]> {
  const prompt = reasoning.explicit ? [] : codec.prompt;
  const written = { endIds, limit, rows, ends: reasoning.ends, signal, step };
  return prompted({ decoder, prompt }, state, (at) => greedy(decoder, at, written), step);
}
