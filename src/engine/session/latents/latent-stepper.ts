import type { LatentSession } from '../../../contract/events';
import type { Intervention, Moment } from '../../../contract/latents';
import { stopProbability } from '../../../contract/stopping';
import type {
  AnswerDifference,
  BranchAnswer,
  FedThought,
  NextFed,
  ShownTokens,
  ThoughtReport,
} from '../../../contract/thoughts';
import { InputError } from '../../base/errors';
import { questionText } from '../../data/tokens';
import { stopOdds } from '../../decode/branches';
import type { Decoder } from '../../decode/decoder';
import { logitLens } from '../../decode/logit-lens';
import { attentionOf, hiddenOf, type TopTokens, topTokens, vectorOf } from '../../decode/readout';
import type { Position } from '../../decode/reason';
import { type Reasoning, stopHeadOf, thoughtsIn } from '../../decode/reasoning';
import type { DecoderState } from '../../decode/state';
import type { Device } from '../../device/device';
import { textOf } from '../../eval/answer';
import type { AnsweringModels } from '../models/pair';
import { unknownWords } from '../prompts/prompt';
import { fedBack } from '../runs/fed-back';
import { type Answering, answerDifference, answerIds } from './answers';
import { valueOf } from './explicit-chain';
import { norm } from './operations';
import { checkToken, type QuestionTokens, readQuestion } from './question-reader';
import { MAX_BRANCH_BYTES, type Reached, StateTree } from './state-tree';
import { type TeacherSpace, teacherDistances } from './teacher-distance';
import { LOOKED_AT, ThoughtRunner } from './thought-runner';
import { type Asking, ThoughtVectors } from './vectors';

/** Number of decoded tokens shown of each distribution. */
export const SHOWN_TOKENS = 8;

const NO_TEACHER = 'the teacher has not reasoned about this question: ask for its explicit chain of thought';
const NO_RATIONALE = 'the teacher wrote no rationale for this question';

export interface StepperOptions {
  readonly session: number;
  readonly question: string;
  readonly expected: string | null;
  readonly student: string;
  readonly identity: LatentSession['identity'];
  /** What is fed as thoughts. */
  readonly reasoning: Reasoning;
  /** Most tokens of an answer. */
  readonly limit: number;
  readonly device: Device | undefined;
  /** Texts of the first training problems that fit. */
  readonly training: (count: number) => readonly string[];
  /** The text of a problem with this id, or undefined. */
  readonly problem: (id: string) => string | undefined;
  readonly maxBytes?: number | undefined;
}

/** An answer with its token ids. */
interface Answered {
  readonly ids: readonly number[];
  readonly answer: BranchAnswer;
}

/**
 * One question for one student: z₁…z_K are fed one at a time, with or without interventions, and from any of them the answer
 * is generated. Everything asked of it names the interventions, so that branches can be visited in any order; their states
 * are kept in a tree.
 */
export class LatentStepper {
  readonly report: LatentSession;
  private readonly runner: ThoughtRunner;
  private readonly tree: StateTree;
  private readonly vectors: ThoughtVectors;
  private readonly toAnswer: Answering;
  private space: TeacherSpace | null | undefined;

  private constructor(
    private readonly pair: AnsweringModels,
    private readonly decoder: Decoder,
    options: StepperOptions,
  ) {
    const { question, reasoning, limit, device, training, problem } = options;
    const ids = pair.codec.question(question);
    const { config } = decoder.shape;
    const latentSteps = thoughtsIn(reasoning);
    const prompt = reasoning.explicit ? [] : pair.codec.prompt;
    this.report = {
      session: options.session,
      question,
      tokens: ids.map((id) => pair.tokenizer.tokenText(id)),
      unknown: unknownWords(pair.tokenizer.tokens(questionText(question))),
      latentSteps,
      prompt: prompt.map((id) => pair.tokenizer.tokenText(id)),
      ...fedBack(reasoning),
      expected: options.expected,
      student: options.student,
      identity: options.identity,
      layers: config.layers,
      heads: config.heads,
      hidden: config.hiddenSize,
    };
    const runner = new ThoughtRunner(decoder, reasoning, (one) => this.vectors.at(one));
    const tokens = (named: string | undefined): QuestionTokens => ({
      ids: named === undefined ? ids : pair.codec.question(problem(named) ?? named),
      padId: pair.codec.padId,
    });
    const read = (of: QuestionTokens, interventions: readonly Intervention[] = []): Promise<DecoderState> =>
      readQuestion(decoder, of, { keep: LOOKED_AT, interventions, sources: runner.sources });
    const begin = async (interventions: readonly Intervention[]) => {
      const start = performance.now();
      const state = await read(tokens(undefined), interventions);
      return { state, changed: undefined, milliseconds: performance.now() - start };
    };
    this.runner = runner;
    this.tree = new StateTree(runner, begin, options.maxBytes ?? MAX_BRANCH_BYTES);
    this.vectors = new ThoughtVectors({
      runner,
      tokenizer: pair.tokenizer,
      device,
      steps: latentSteps,
      prompt,
      tokens,
      read: (named) => read(tokens(named)),
      after: async (step) => (await this.tree.at([], step)).state,
      training,
    });
    this.toAnswer = { decoder, prompt, endIds: pair.base.endIds, limit };
  }

  /** Reads the question. @throws InputError if it is empty or too long */
  static async open(
    pair: AnsweringModels,
    decoder: Decoder,
    options: StepperOptions,
  ): Promise<LatentStepper> {
    const stepper = new LatentStepper(pair, decoder, options);
    await stepper.tree.at([], 0);
    return stepper;
  }

  /** What the teacher's rationale on this question is compared by; null if it wrote none. */
  compareWith(space: TeacherSpace | null): void {
    this.space = space;
  }

  /** Everything there is to see of a thought, or of the question's last position at step 0. */
  async thought({ step, interventions }: Moment, asking: Asking = {}): Promise<ThoughtReport> {
    this.check(step, interventions);
    this.vectors.asking = asking;
    // First what is fed, which is made from the state before.
    const made = step > 0 ? await this.fed(interventions, step) : undefined;
    const { node, state, ran } = await this.tree.at(interventions, step);
    const hidden = await hiddenOf(state);
    const H = this.report.hidden;
    const [layers] = await logitLens(this.decoder, state, SHOWN_TOKENS);
    return {
      step,
      fed: made ? this.changedFed(made.fed, node.changed) : null,
      next: await this.next(state, step),
      ...(await this.stop(state, step)),
      layers: (layers as TopTokens[]).map((layer, l) => ({
        ...this.named(layer),
        norm: norm(hidden.subarray(l * H, (l + 1) * H)),
      })),
      ...(await this.attention(state)),
      teacher:
        this.space === undefined
          ? { missing: NO_TEACHER }
          : this.space === null
            ? { missing: NO_RATIONALE }
            : teacherDistances(hidden, this.space),
      milliseconds: node.milliseconds,
      ran: ran + (made?.ran ?? 0),
    };
  }

  /** The answer after the thoughts of a moment. */
  async answer(moment: Moment, asking: Asking = {}): Promise<BranchAnswer> {
    return this.answering(moment, asking, async (state, answered) => (await answered(state)).answer);
  }

  /** Two answers, and how the second's distributions differ along the first's tokens. */
  async compare(one: Moment, other: Moment, asking: Asking = {}): Promise<AnswerDifference> {
    const { tokenizer } = this.pair;
    return this.answering(one, asking, (before, answeredBefore) =>
      this.answering(other, asking, async (after, answeredAfter) => {
        const first = await answeredBefore(before);
        return {
          before: first.answer,
          after: (await answeredAfter(after)).answer,
          ...(await answerDifference(this.toAnswer, tokenizer, { before, after }, first.ids)),
        };
      }),
    );
  }

  /** Works with the state from which the answer after a moment is generated, and with what generates it. */
  private async answering<R>(
    { step, interventions }: Moment,
    asking: Asking,
    work: (state: DecoderState, answered: (state: DecoderState) => Promise<Answered>) => Promise<R>,
  ): Promise<R> {
    this.check(step, interventions);
    this.vectors.asking = asking;
    const reached = await this.tree.at(interventions, step);
    const start = performance.now();
    return this.tree.keeping(reached.node, () =>
      this.runner.answering(reached.state, (from) =>
        this.runner.prompted(from, this.toAnswer.prompt, ofPrompt(interventions), (state) => {
          const milliseconds = performance.now() - start;
          return work(state, (at) => this.answered(reached, at, milliseconds));
        }),
      ),
    );
  }

  /** Bytes of the states kept for all branches. */
  get bytes(): number {
    return this.tree.bytes;
  }

  /** Frees the states, not the decoder. */
  dispose(): void {
    this.tree.dispose();
    this.vectors.clear();
  }

  private check(step: number, interventions: readonly Intervention[]): void {
    const { latentSteps: K, tokens, prompt } = this.report;
    for (const one of interventions) {
      if (one.of === 'question') checkToken(one.step, tokens.length, 'the question');
      if (one.of === 'prompt') checkPrompt(one.step, prompt.length);
    }
    for (const t of [step, ...interventions.flatMap((one) => (one.of ? [] : [one.step]))])
      if (t > K)
        throw new InputError(
          `thought ${t}; ${K === 0 ? 'there are none' : `there are ${K}`}`,
          'Open the question with more thoughts, or choose an earlier one.',
        );
  }

  /** Thought `step` before the interventions on it, and how many passes that took. */
  private async fed(interventions: readonly Intervention[], step: number) {
    const { state, ran } = await this.tree.at(interventions, step - 1);
    return { fed: await this.thoughtAfter(state), ran };
  }

  private async thoughtAfter(state: DecoderState): Promise<Omit<FedThought, 'normBefore' | 'isChanged'>> {
    return this.runner.before(state, async (from, { input }) => {
      const softmax = 'latent' in input && input.latent.kind === 'softmax' ? input.latent : undefined;
      const values = await vectorOf(this.decoder, from.state, input);
      return { ...(await this.top(from.state, softmax?.temperature ?? 1)), values, norm: norm(values) };
    });
  }

  private changedFed(
    fed: Omit<FedThought, 'normBefore' | 'isChanged'>,
    changed: Reached['node']['changed'],
  ): FedThought {
    if (!changed) return { ...fed, normBefore: fed.norm, isChanged: false };
    // The page gets its own copy: what is sent to it is gone here.
    const values = changed.after.slice();
    return { ...fed, values, norm: norm(values), normBefore: fed.norm, isChanged: true };
  }

  private async next(state: DecoderState, step: number): Promise<NextFed> {
    if (step < this.report.latentSteps) return { kind: 'thought', ...(await this.thoughtAfter(state)) };
    const { tokenizer } = this.pair;
    return { kind: 'prompt', tokens: this.toAnswer.prompt.map((id) => tokenizer.tokenText(id)) };
  }

  /** The stop head's probability after this step, where there is one. */
  private async stop(state: DecoderState, step: number): Promise<Pick<ThoughtReport, 'stop'>> {
    const head = stopHeadOf(this.runner.reasoning);
    if (!head) return {};
    const read = async (at: DecoderState) => {
      const [odds] = await stopOdds(this.decoder, at, head);
      return { stop: stopProbability(odds as number) };
    };
    // What is fed before the first thought is there when it decides.
    return step < this.report.latentSteps
      ? this.runner.before(state, (from) => read(from.state))
      : read(state);
  }

  private async attention(
    state: DecoderState,
  ): Promise<Pick<ThoughtReport, 'columns' | 'heads' | 'attention'>> {
    const { question: S, capacity: T, config } = this.decoder.shape;
    const fed = this.runner.fedTo(state);
    const all = await attentionOf(state);
    const { tokens } = this.report;
    const from = S - tokens.length;
    const count = tokens.length + fed.length;
    const rows = config.layers * config.heads;
    const attention = new Float32Array(rows * count);
    for (let row = 0; row < rows; row++)
      attention.set(all.subarray(row * T + from, row * T + from + count), row * count);
    return {
      columns: [
        ...tokens.map((text) => ({ text, step: null })),
        ...fed.map((position) => ({ text: this.nameOf(position), step: position.thought ?? null })),
      ],
      heads: config.heads,
      attention,
    };
  }

  /** A thought is named by its number; what is none by the token it is, or by its place among the added ones. */
  private nameOf({ thought, stage, at }: Position): string {
    if (thought !== undefined) return `z${thought}`;
    if (stage.kind === 'tokens') return this.pair.tokenizer.tokenText(stage.ids[at] as number);
    return stage.kind === 'embeddings' ? `[${stage.parameter} ${(stage.rows[at] as number) + 1}]` : '';
  }

  private async answered({ node, ran }: Reached, state: DecoderState, prompting: number): Promise<Answered> {
    const { top } = await this.top(state, 1);
    const start = performance.now();
    const ids = await answerIds(this.toAnswer, state);
    const milliseconds = prompting + performance.now() - start;
    const { tokenizer } = this.pair;
    const text = textOf(tokenizer, ids).trim();
    const answer = {
      step: node.step,
      text,
      value: valueOf(text),
      top,
      tokens: ids.map((id) => tokenizer.tokenText(id)),
      milliseconds,
      totalMilliseconds: node.total + milliseconds,
      ran,
    };
    return { ids, answer };
  }

  private async top(state: DecoderState, temperature: number): Promise<ShownTokens> {
    const [first] = await topTokens(this.decoder, state, SHOWN_TOKENS, temperature);
    return this.named(first as TopTokens);
  }

  private named({ top, entropy }: TopTokens): ShownTokens {
    const { tokenizer } = this.pair;
    return { top: top.map((one) => ({ ...one, text: tokenizer.tokenText(one.id) })), entropy };
  }
}

const ofPrompt = (interventions: readonly Intervention[]): Intervention[] =>
  interventions.filter(({ of }) => of === 'prompt');

/** @throws InputError if the prompt has no such token, or the student writes it itself */
function checkPrompt(token: number, count: number): void {
  if (count === 0)
    throw new InputError(
      `token ${token} of the answer’s prompt; this student is given none, and writes it itself`,
      'Change a thought or a token of the question instead.',
    );
  checkToken(token, count, 'the answer’s prompt');
}
