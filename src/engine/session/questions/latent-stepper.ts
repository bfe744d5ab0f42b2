import type {
  AnswerReport,
  ExplicitReport,
  LatentSession,
  LatentThought,
  TokenProbability,
} from '../../../contract/events';
import { InputError } from '../../base/errors';
import { leftPad } from '../../data/batch';
import type { Decoder } from '../../decode/decoder';
import { feedAll, greedy } from '../../decode/greedy';
import { topProbabilities } from '../../decode/probe';
import { lastNumber, textOf } from '../../eval/answer';
import type { Pair } from '../models/pair';

/** Decoded tokens shown of each thought. */
const TOP = 8;

/** One question being thought through: the question is read, then z₁…z_K are fed one at a time, then the answer. */
export class LatentStepper {
  private made = 0;
  private answered = false;
  private spent = 0;

  private constructor(
    private readonly pair: Pair,
    private readonly decoder: Decoder,
    private readonly limit: number,
    readonly report: LatentSession,
  ) {}

  static async open(
    pair: Pair,
    decoder: Decoder,
    options: {
      session: number;
      question: string;
      expected: string | null;
      student: string;
      latentSteps: number;
      limit: number;
    },
  ): Promise<LatentStepper> {
    const start = performance.now();
    const ids = pair.codec.question(options.question);
    const { ids: padded, keyMask } = leftPad([ids], decoder.shape.question, pair.codec.padId);
    await decoder.begin(padded, keyMask);
    const stepper = new LatentStepper(pair, decoder, options.limit, {
      session: options.session,
      question: options.question,
      tokens: ids.map((id) => pair.tokenizer.tokenText(id)),
      latentSteps: options.latentSteps,
      expected: options.expected,
      student: options.student,
    });
    stepper.spent = performance.now() - start;
    return stepper;
  }

  /** Feeds the next latent; what it is made of is read from the state before it (its softmax mixture). */
  async step(): Promise<LatentThought> {
    if (this.answered)
      throw new InputError('the answer has been given; open the question again to step anew');
    if (this.made >= this.report.latentSteps)
      throw new InputError(
        `all ${this.report.latentSteps} thoughts have been made`,
        'Ask for the answer now.',
      );
    const start = performance.now();
    const logits = await this.decoder.logits();
    await this.decoder.feedLatent();
    const milliseconds = performance.now() - start;
    this.spent += milliseconds;
    this.made++;
    const { top, entropy } = topProbabilities(logits, TOP);
    return { step: this.made, top: top.map((x) => this.named(x)), entropy, milliseconds };
  }

  async answer(): Promise<AnswerReport> {
    if (this.answered)
      throw new InputError('the answer has been given; open the question again to step anew');
    this.answered = true;
    const start = performance.now();
    await feedAll(this.decoder, this.pair.codec.prompt);
    const { top } = topProbabilities(await this.decoder.logits(), TOP);
    const [ids] = await greedy(this.decoder, this.pair.base.endIds, this.limit);
    const milliseconds = performance.now() - start;
    const text = textOf(this.pair.tokenizer, ids as number[]).trim();
    return {
      text,
      value: valueOf(text),
      top: top.map((x) => this.named(x)),
      milliseconds,
      totalMilliseconds: this.spent + milliseconds,
    };
  }

  private named({ id, probability }: { id: number; probability: number }): TokenProbability {
    return { id, text: this.pair.tokenizer.tokenText(id), probability };
  }
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
  await decoder.begin(ids, keyMask);
  const [out] = await greedy(decoder, pair.teacher.endIds, limit);
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
