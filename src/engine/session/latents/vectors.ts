import type { Place, Vector } from '../../../contract/latents';
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
  /** Reads a question given as its text or its id. */
  readonly read: (question: string) => Promise<DecoderState>;
  /** The open question's state before thought `step`, unmodified; not to be disposed of. */
  readonly before: (step: number) => Promise<DecoderState>;
  /** Texts of the first training problems that can be read. @throws InputError if there are fewer */
  readonly training: (count: number) => readonly string[];
}

/** The vectors and directions that interventions name, for one student: those over training problems are kept. */
export class ThoughtVectors {
  private readonly gathered = new Map<string, Promise<GatheredStates>>();
  /** Of the call in progress. */
  asking: Asking = {};

  constructor(private readonly context: VectorContext) {}

  /** Those for the state at a place of one step. */
  at(at: Place, step: number): Sources {
    return {
      vector: (vector) => this.vector(vector, at, step),
      basis: (problems, rank, centre) => this.basis(at, problems, rank, centre),
    };
  }

  /** Forgets what was gathered; the decoder has gone. */
  clear(): void {
    this.gathered.clear();
  }

  private async vector(vector: Vector, at: Place, step: number): Promise<Float64Array> {
    switch (vector.kind) {
      case 'token':
        return this.embedding(vector.token);
      case 'difference':
        return sum(await this.embedding(vector.plus), await this.embedding(vector.minus), -1);
      case 'values':
        return Float64Array.from(vector.values);
      case 'thought':
        return this.thought(vector.step, vector.question, at);
      case 'mean':
        return meanAt(await this.states(at, vector.problems), step);
      case 'direction': {
        const { rows } = await this.basis(at, vector.problems, vector.index, true);
        const H = rows.length / vector.index;
        return rows.slice((vector.index - 1) * H);
      }
    }
  }

  /** The row of the embedding. @throws InputError unless the text is one token */
  private async embedding(text: string): Promise<Float64Array> {
    const { tokenizer, runner } = this.context;
    const ids = tokenizer.encode(text, { addSpecialTokens: false });
    const [id] = ids;
    if (id === undefined || ids.length > 1)
      throw new InputError(
        `${quote(text)} is ${ids.length} tokens${ids.length > 1 ? `: ${quote(ids.map((one) => tokenizer.tokenText(one)))}` : ''}; one is expected`,
        'Choose a text that the tokenizer keeps whole.',
      );
    return Float64Array.from(await embeddingsOf(runner.decoder, [id]));
  }

  private async thought(step: number, question: string | undefined, at: Place): Promise<Float64Array> {
    const { runner, steps, read, before } = this.context;
    if (step > steps)
      throw new InputError(`thought ${step}; there are ${steps}`, `Choose one of 1 to ${steps}.`);
    if (question === undefined) return Float64Array.from(await runner.valueAt(await before(step), at));
    let state = await read(question);
    try {
      for (let t = 1; t < step; t++) state = await runner.step(state);
      return Float64Array.from(await runner.valueAt(state, at));
    } finally {
      state.dispose();
    }
  }

  private async basis(at: Place, problems: number, rank: number, centre: boolean): Promise<Basis> {
    const { device, runner } = this.context;
    const { hiddenSize: H } = runner.decoder.shape.config;
    const gathered = await this.states(at, problems);
    const most = Math.min(H, problems * this.context.steps - (centre ? 1 : 0));
    if (rank > most)
      throw new InputError(
        `${rank} directions; the ${problems * this.context.steps} thoughts of ${problems} problems span ${most}`,
        'Choose more problems, or fewer directions.',
      );
    const { signal } = this.asking;
    const found = await leadingDirections(gathered, 1, rank, centre, {
      ...(device && { device }),
      ...(signal && { signal }),
    });
    return found;
  }

  /** The states of all thoughts of the first training problems at a place: one sample a problem, as one layer. */
  private states(at: Place, problems: number): Promise<GatheredStates> {
    const key = `${siteName(at)} ${problems}`;
    const known = this.gathered.get(key);
    if (known) return known;
    const made = this.gather(at, problems);
    this.gathered.set(key, made);
    made.catch(() => this.gathered.delete(key));
    return made;
  }

  private async gather(at: Place, problems: number): Promise<GatheredStates> {
    const { runner, steps: K, read, training } = this.context;
    const { signal, onProgress } = this.asking;
    const H = runner.decoder.shape.config.hiddenSize;
    const samples: GatheredStates['samples'][number][] = [];
    for (const [i, question] of training(problems).entries()) {
      throwIfCancelled(signal, 'gathering thoughts');
      onProgress?.(i, problems);
      const states = new Float32Array(K * H);
      let state = await read(question);
      try {
        for (let t = 0; t < K; t++) {
          states.set(await runner.valueAt(state, at), t * H);
          if (t + 1 < K) state = await runner.step(state);
        }
      } finally {
        state.dispose();
      }
      const texts = Array.from({ length: K }, (_, t) => `z${t + 1}`);
      samples.push({
        id: String(i),
        about: question,
        tokens: K,
        states,
        sections: new Uint8Array(K),
        texts,
      });
    }
    return { layers: 1, hidden: H, samples };
  }
}

/** The mean state of thought `step`, [H]. */
function meanAt({ samples, hidden: H }: GatheredStates, step: number): Float64Array {
  const mean = new Float64Array(H);
  for (const { states } of samples)
    for (let i = 0; i < H; i++)
      mean[i] = (mean[i] as number) + (states[(step - 1) * H + i] as number) / samples.length;
  return mean;
}
