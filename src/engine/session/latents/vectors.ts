import { positionName } from '../../../contract/intervention-text';
import type { Intervention, Place, TokenSegment, Vector } from '../../../contract/latents';
import { quote } from '../../../text/quote';
import type { GatheredStates } from '../../analysis/gathered';
import { InputError, throwIfCancelled } from '../../base/errors';
import { embeddingsOf } from '../../decode/readout';
import { siteName } from '../../decode/sites';
import type { DecoderState } from '../../decode/state';
import type { Device } from '../../device/device';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { leadingDirections } from '../causal/directions';
import { type Basis, type Sources, sum } from './operations';
import { checkToken, type QuestionTokens, questionStates } from './question-reader';
import type { ThoughtRunner } from './thought-runner';

/** What is asked of a call while it runs. */
export interface Asking {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What vectors are made from. */
export interface VectorContext {
  readonly runner: ThoughtRunner;
  readonly tokenizer: Tokenizer;
  readonly device: Device | undefined;
  /** K */
  readonly steps: number;
  /** Token ids of the answer's prompt; none of a student that writes it itself. */
  readonly prompt: readonly number[];
  /** The tokens of a question given as its text or its id, or of the open one. */
  readonly tokens: (question: string | undefined) => QuestionTokens;
  /** Reads a question given in the same way. */
  readonly read: (question: string) => Promise<DecoderState>;
  /** The open question's state after `step` thoughts, unmodified; not to be disposed of. */
  readonly after: (step: number) => Promise<DecoderState>;
  /** Texts of the first training problems that can be read. @throws InputError if there are fewer */
  readonly training: (count: number) => readonly string[];
}

/** The vectors and directions that interventions name, for one student: those over training problems are kept. */
export class ThoughtVectors {
  private readonly gathered = new Map<string, Promise<GatheredStates>>();
  /** Of the call in progress. */
  asking: Asking = {};

  constructor(private readonly context: VectorContext) {}

  /** Those for the state that an intervention changes. */
  at({ of, step, at }: Pick<Intervention, 'of' | 'step' | 'at'>): Sources {
    const here: Here = { of, step, at };
    return {
      vector: (vector) => this.vector(vector, here),
      basis: (problems, rank, centre) => this.basis(here, problems, rank, centre),
    };
  }

  /** Forgets what was gathered; the decoder has gone. */
  clear(): void {
    this.gathered.clear();
  }

  private async vector(vector: Vector, here: Here): Promise<Float64Array> {
    switch (vector.kind) {
      case 'token':
        return this.embedding(vector.token);
      case 'difference':
        return sum(await this.embedding(vector.plus), await this.embedding(vector.minus), -1);
      case 'values':
        return Float64Array.from(vector.values);
      case 'thought':
        return this.thought(vector.step, vector.question, here.at);
      case 'question':
        return this.questionToken(vector.token, vector.question, here.at);
      case 'prompt':
        return this.promptToken(vector.token, vector.question, here.at);
      case 'mean':
        return meanAt(await this.states(here, vector.problems), here.of === 'question' ? 'all' : here.step);
      case 'direction': {
        const { rows } = await this.basis(here, vector.problems, vector.index, true);
        const H = rows.length / vector.index;
        return rows.slice((vector.index - 1) * H);
      }
    }
  }

  /** The row of the embedding. @throws InputError unless the text is one token */
  private async embedding(text: string): Promise<Float64Array> {
    const { tokenizer, runner } = this.context;
    return Float64Array.from(await embeddingsOf(runner.decoder, [oneToken(tokenizer, text)]));
  }

  private async thought(step: number, question: string | undefined, at: Place): Promise<Float64Array> {
    const { runner, steps, after } = this.context;
    if (step > steps)
      throw new InputError(`thought ${step}; there are ${steps}`, `Choose one of 1 to ${steps}.`);
    const value = async (state: DecoderState) => Float64Array.from(await runner.valueAt(state, at));
    if (question === undefined) return value(await after(step - 1));
    return this.thinking(question, step - 1, value);
  }

  private async questionToken(token: number, question: string | undefined, at: Place): Promise<Float64Array> {
    const { runner, tokens } = this.context;
    const own = tokens(question);
    checkToken(token, own.ids.length, 'the question');
    const H = runner.decoder.shape.config.hiddenSize;
    const states = await questionStates(runner.decoder, own, at);
    return Float64Array.from(states.subarray((token - 1) * H, token * H));
  }

  private async promptToken(token: number, question: string | undefined, at: Place): Promise<Float64Array> {
    const { runner, steps, after, prompt } = this.context;
    const value = async (state: DecoderState) =>
      Float64Array.from((await runner.promptValues(state, prompt, at, token)).at(-1) as Float32Array);
    if (question === undefined) return value(await after(steps));
    return this.thinking(question, steps, value);
  }

  /** Works with the state of a question after all its thoughts. */
  private async thinking<R>(
    question: string,
    steps: number,
    work: (state: DecoderState) => Promise<R>,
  ): Promise<R> {
    const { runner, read } = this.context;
    let state = await read(question);
    try {
      for (let t = 0; t < steps; t++) state = await runner.step(state);
      return await work(state);
    } finally {
      state.dispose();
    }
  }

  private async basis(here: Here, problems: number, rank: number, centre: boolean): Promise<Basis> {
    const { device, runner } = this.context;
    const { hiddenSize: H } = runner.decoder.shape.config;
    const gathered = await this.states(here, problems);
    const all = gathered.samples.reduce((sum, { tokens }) => sum + tokens, 0);
    const most = Math.min(H, all - (centre ? 1 : 0));
    if (rank > most)
      throw new InputError(
        `${rank} directions; the ${all} ${POSITIONS[here.of ?? 'thought']} of ${problems} problems span ${most}`,
        'Choose more problems, or fewer directions.',
      );
    const { signal } = this.asking;
    const found = await leadingDirections(gathered, 1, rank, centre, {
      ...(device && { device }),
      ...(signal && { signal }),
    });
    return found;
  }

  /** The states at a place of all positions of that kind, of the first training problems: one sample a problem, as one layer. */
  private states({ of, at }: Here, problems: number): Promise<GatheredStates> {
    const key = `${of ?? 'thought'} ${siteName(at)} ${problems}`;
    const known = this.gathered.get(key);
    if (known) return known;
    const made = this.gather(of, at, problems);
    this.gathered.set(key, made);
    made.catch(() => this.gathered.delete(key));
    return made;
  }

  private async gather(of: TokenSegment | undefined, at: Place, problems: number): Promise<GatheredStates> {
    const { runner, training } = this.context;
    const { signal, onProgress } = this.asking;
    const H = runner.decoder.shape.config.hiddenSize;
    const samples: GatheredStates['samples'][number][] = [];
    for (const [i, question] of training(problems).entries()) {
      throwIfCancelled(signal, 'gathering states');
      onProgress?.(i, problems);
      const states = await this.statesOf(of, question, at);
      const tokens = states.length / H;
      const texts = Array.from({ length: tokens }, (_, t) => positionName({ of, step: t + 1 }));
      samples.push({
        ...{ id: String(i), about: question, tokens, states },
        sections: new Uint8Array(tokens),
        texts,
      });
    }
    return { layers: 1, hidden: H, samples };
  }

  /** Of one question, [positions, H]. */
  private async statesOf(
    of: TokenSegment | undefined,
    question: string,
    at: Place,
  ): Promise<Float32Array<ArrayBuffer>> {
    const { runner, steps: K, read, tokens, prompt } = this.context;
    if (of === 'question') return questionStates(runner.decoder, tokens(question), at);
    if (of === 'prompt')
      return this.thinking(question, K, async (state) =>
        joined(await runner.promptValues(state, prompt, at)),
      );
    const found: Float32Array[] = [];
    let state = await read(question);
    try {
      for (let t = 0; t < K; t++) {
        found.push(await runner.valueAt(state, at));
        if (t + 1 < K) state = await runner.step(state);
      }
    } finally {
      state.dispose();
    }
    return joined(found);
  }
}

/**
 * The token that a text is by itself, or else the one that is shown as this text: a full stop at the end of a sentence is a
 * token, and may be none where a text begins with it.
 * @throws InputError for a text of several tokens that is none
 */
function oneToken(tokenizer: Tokenizer, text: string): number {
  const ids = tokenizer.encode(text, { addSpecialTokens: false });
  const [id] = ids;
  if (id !== undefined && ids.length === 1) return id;
  for (let known = 0; known < tokenizer.vocabSize; known++)
    if (tokenizer.tokenText(known) === text) return known;
  throw new InputError(
    `${quote(text)} is ${ids.length} tokens${ids.length > 1 ? `: ${quote(ids.map((one) => tokenizer.tokenText(one)))}` : ''}; one is expected`,
    'Choose a text that the tokenizer keeps whole, or one that is shown as a token.',
  );
}

/** The position and the place of a state that is changed. */
type Here = Pick<Intervention, 'of' | 'step' | 'at'>;

const POSITIONS = { thought: 'thoughts', question: 'question tokens', prompt: 'prompt tokens' } as const;

const joined = (parts: readonly Float32Array[]): Float32Array<ArrayBuffer> => {
  const H = parts[0]?.length ?? 0;
  const all = new Float32Array(parts.length * H);
  parts.forEach((part, i) => {
    all.set(part, i * H);
  });
  return all;
};

/** The mean state of position `step`, or of all positions, [H]. */
function meanAt({ samples, hidden: H }: GatheredStates, step: number | 'all'): Float64Array {
  const mean = new Float64Array(H);
  let count = 0;
  for (const { states, tokens } of samples)
    for (let t = 0; t < tokens; t++) {
      if (step !== 'all' && t !== step - 1) continue;
      count++;
      for (let i = 0; i < H; i++) mean[i] = (mean[i] as number) + (states[t * H + i] as number);
    }
  return mean.map((sum) => sum / count);
}
