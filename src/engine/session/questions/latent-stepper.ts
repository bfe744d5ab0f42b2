import type {
  AnswerReport,
  ExplicitReport,
  LatentSession,
  LatentThought,
  TokenProbability,
} from '../../../contract/events';
import { LATENT_DEFAULTS } from '../../../contract/methods/shared';
import { InputError } from '../../base/errors';
import { leftPad } from '../../data/batch';
import { questionText } from '../../data/tokens';
import type { Decoder } from '../../decode/decoder';
import { everywhere, greedy } from '../../decode/greedy';
import { type TopTokens, topTokens } from '../../decode/readout';
import { type Position, positionsOf, type Reasoned, reasonOn } from '../../decode/reason';
import { feedbackOf, type Reasoning, thoughtsIn } from '../../decode/reasoning';
import type { DecoderState } from '../../decode/state';
import { lastNumber, textOf } from '../../eval/answer';
import type { Pair } from '../models/pair';
import { unknownWords } from '../prompts/prompt';

/** Number of decoded tokens shown for each thought. */
export const SHOWN_TOKENS = 8;

const STEP_AGAIN = 'Open the question again to step through it once more.';

/** One question, step by step: the question is read, z₁…z_K are fed one at a time, then the answer is generated. */
export class LatentStepper {
  private answered = false;
  private at: Reasoned;
  private readonly positions: readonly Position[];
  private spent = 0;

  private constructor(
    private readonly pair: Pair,
    private readonly decoder: Decoder,
    state: DecoderState,
    private readonly reasoning: Reasoning,
    private readonly limit: number,
    readonly report: LatentSession,
  ) {
    this.at = { state, fed: 0 };
    this.positions = positionsOf(reasoning);
  }

  static async open(
    pair: Pair,
    decoder: Decoder,
    options: {
      session: number;
      question: string;
      expected: string | null;
      student: string;
      reasoning: Reasoning;
      limit: number;
    },
  ): Promise<LatentStepper> {
    const start = performance.now();
    const ids = pair.codec.question(options.question);
    const { ids: padded, keyMask } = leftPad([ids], decoder.shape.question, pair.codec.padId);
    const state = await decoder.begin(padded, keyMask);
    const { reasoning } = options;
    const stepper = new LatentStepper(pair, decoder, state, reasoning, options.limit, {
      session: options.session,
      question: options.question,
      tokens: ids.map((id) => pair.tokenizer.tokenText(id)),
      unknown: unknownWords(pair.tokenizer.tokens(questionText(options.question))),
      latentSteps: thoughtsIn(reasoning),
      ...fedBack(reasoning),
      expected: options.expected,
      student: options.student,
    });
    stepper.spent = performance.now() - start;
    return stepper;
  }

  /**
   * Feeds the next thought, with what comes before it. Reports the tokens with the largest shares in the mixture
   * softmax(logits/τ)·E that is fed; if something else is fed, those that the head finds most probable where the thought is
   * made, softmax(logits).
   */
  async step(): Promise<LatentThought> {
    if (this.answered) throw new InputError('the answer has already been given', STEP_AGAIN);
    const start = performance.now();
    let { thought, stage } = this.next ?? {};
    while (this.next && thought === undefined) {
      await this.feed();
      ({ thought, stage } = this.next ?? {});
    }
    if (thought === undefined)
      throw new InputError(`all ${this.report.latentSteps} thoughts have been made`, 'Ask for the answer.');
    const softmax =
      stage?.kind === 'latents' && stage.feedback.kind === 'softmax' ? stage.feedback : undefined;
    // The readout for display is not part of the thought, so only what is fed is timed.
    const shown = performance.now();
    const { top, entropy } = await this.top(softmax?.temperature ?? 1);
    const showing = performance.now() - shown;
    await this.feed();
    const milliseconds = performance.now() - start - showing;
    this.spent += milliseconds;
    return { step: thought, top, entropy, milliseconds };
  }

  async answer(): Promise<AnswerReport> {
    if (this.answered) throw new InputError('the answer has already been given', STEP_AGAIN);
    this.answered = true;
    const start = performance.now();
    // An answer may be asked for before all thoughts have been made.
    const later = this.positions.slice(this.at.fed);
    if (later.every(({ thought }) => thought === undefined)) while (this.next) await this.feed();
    let { state } = this.at;
    if (!this.reasoning.explicit)
      for (const id of this.pair.codec.prompt)
        state = await this.decoder.step(state, everywhere(this.decoder, id));
    this.at = { ...this.at, state };
    const shown = performance.now();
    const { top } = await this.top(1);
    const showing = performance.now() - shown;
    const [ids] = await greedy(this.decoder, state, {
      endIds: this.pair.base.endIds,
      limit: this.limit,
    });
    const milliseconds = performance.now() - start - showing;
    const text = textOf(this.pair.tokenizer, ids as number[]).trim();
    return {
      text,
      value: valueOf(text),
      top,
      milliseconds,
      totalMilliseconds: this.spent + milliseconds,
    };
  }

  /** The position that is fed next. */
  private get next(): Position | undefined {
    return this.positions[this.at.fed];
  }

  private async feed(): Promise<void> {
    const before = this.at;
    this.at = await reasonOn(this.decoder, before, this.reasoning);
    before.state.dispose();
  }

  /** Frees the state, not the decoder. */
  dispose(): void {
    this.at.state.dispose();
  }

  private async top(
    temperature: number,
  ): Promise<{ readonly top: readonly TokenProbability[]; readonly entropy: number }> {
    const [first] = await topTokens(this.decoder, this.at.state, SHOWN_TOKENS, temperature);
    const { top, entropy } = first as TopTokens;
    const named = top.map(({ id, probability }) => ({
      id,
      text: this.pair.tokenizer.tokenText(id),
      probability,
    }));
    return { top: named, entropy };
  }
}

/** What is fed as a thought. */
function fedBack(reasoning: Reasoning): Pick<LatentSession, 'filter' | 'temperature'> {
  const feedback = feedbackOf(reasoning);
  if (!feedback && thoughtsIn(reasoning) > 0) return { filter: 'tokens', temperature: 1 };
  if (!feedback) return { filter: LATENT_DEFAULTS.filter, temperature: LATENT_DEFAULTS.temperature };
  return { filter: feedback.kind, temperature: feedback.kind === 'softmax' ? feedback.temperature : 1 };
}

/** The teacher's own chain of thought, greedy. */
export async function explicitThought(
  pair: Pair,
  decoder: Decoder,
  question: string,
  limit: number,
): Promise<ExplicitReport> {
  const start = performance.now();
  const { ids, keyMask } = leftPad([pair.codec.question(question)], decoder.shape.question, pair.codec.padId);
  const state = await decoder.begin(ids, keyMask);
  let out: number[] | undefined;
  try {
    [out] = await greedy(decoder, state, { endIds: pair.teacher.endIds, limit });
  } finally {
    state.dispose();
  }
  const milliseconds = performance.now() - start;
  const tokens = out as number[];
  const split = indexOf(tokens, pair.codec.prompt);
  const decode = (part: readonly number[]): string => textOf(pair.tokenizer, part).trim();
  const text = decode(tokens);
  return {
    rationale: decode(split < 0 ? tokens : tokens.slice(0, split)),
    value: valueOf(split < 0 ? text : decode(tokens.slice(split + pair.codec.prompt.length))),
    text,
    tokens: tokens.length,
    milliseconds,
  };
}

const valueOf = (text: string): string | null => lastNumber(text)?.toString() ?? null;

function indexOf(tokens: readonly number[], part: readonly number[]): number {
  for (let i = 0; i + part.length <= tokens.length; i++)
    if (part.every((id, j) => tokens[i + j] === id)) return i;
  return -1;
}
