import type { GraphHostTensor, HostData } from '../base/dtype';
import { InputError } from '../base/errors';
import { floatsOf } from '../base/half';
import { Owned } from '../base/owned';
import { HIDDEN } from '../base/tokens';
import type { ModelOnDevice, ModelProgram } from '../model/model-on-device';
import { ropeTables } from '../nn/rope';
import type { DeviceTensor } from '../runtime/tensor';
import { advanceProgram, type DecodeShape, prefillProgram, projectionInput, shiftInput } from './programs';

/**
 * A model being read out one position at a time, for B sequences at once. Between any two steps the state is open: the
 * logits, the hidden states, and the latent that would be fed next can be read, and the latent replaced.
 */
export class Decoder {
  /** Column of the next position. */
  private column = 0;
  private mask = new Float32Array(0);

  private constructor(
    private readonly model: ModelOnDevice,
    readonly shape: DecodeShape,
    private readonly prefill: ModelProgram,
    private readonly advance: ModelProgram,
    /** Two sets of outputs, used in turn: an input may not be its own output. */
    private readonly states: readonly [Record<string, DeviceTensor>, Record<string, DeviceTensor>],
    private readonly inputs: Record<string, DeviceTensor>,
    private readonly owned: Owned,
  ) {}

  private current = 0;
  private adapter: readonly DeviceTensor[] = [];

  /** Frees what it made where it fails. */
  static compile(model: ModelOnDevice, shape: DecodeShape): Promise<Decoder> {
    return Owned.while(async (owned) => {
      owned.add(model.retain());
      const { runtime } = model;
      const prefill = owned.add(await model.compile(prefillProgram(shape)));
      const advance = owned.add(await model.compile(advanceProgram(shape)));
      const empty = (name: string, { dtype, shape: s }: Pick<GraphHostTensor, 'dtype' | 'shape'>) =>
        owned.add(runtime.empty(dtype, s, name));
      const state = (): Record<string, DeviceTensor> =>
        Object.fromEntries([...advance.outputs].map(([name, spec]) => [name, empty(name, spec)]));
      const states = [state(), state()] as const;
      const inputs: Record<string, DeviceTensor> = {};
      for (const [name, spec] of [...prefill.inputs, ...advance.inputs])
        if (!name.startsWith('lora.') && !/^[kv]\./.test(name) && !(name in inputs))
          inputs[name] = empty(name, spec);
      const decoder = new Decoder(model, shape, prefill, advance, states, inputs, owned);
      const H = shape.config.hiddenSize;
      for (const layer of shape.projected?.layers ?? [])
        decoder.project(layer, identity(H), new Float32Array(H));
      return decoder;
    });
  }

  /** The LoRA packs to run with; they stay the caller's. */
  setAdapter(packs: readonly DeviceTensor[]): void {
    this.adapter = packs;
  }

  /**
   * Puts P [H, H] and the shift [1, H] at one of the shape's projected layers, for all steps that follow. A fresh
   * decoder has the identity there. @throws InputError for a layer the decoder was not compiled to project
   */
  project(layer: number, projection: Float32Array<ArrayBuffer>, shift: Float32Array<ArrayBuffer>): void {
    if (!this.shape.projected?.layers.includes(layer))
      throw new InputError(`layer ${layer} is not projected by this decoder`);
    this.write(projectionInput(layer), projection);
    this.write(shiftInput(layer), shift);
  }

  /** Reads B questions, left-padded to S columns. */
  async begin(ids: GraphHostTensor, keyMask: GraphHostTensor): Promise<void> {
    const { batch: B, question: S, keys: T } = this.shape;
    this.mask = new Float32Array(B * T).fill(HIDDEN);
    for (let b = 0; b < B; b++)
      this.mask.set((keyMask.data as Float32Array).subarray(b * S, (b + 1) * S), b * T);
    this.column = S;
    this.write('ids', ids.data);
    this.write('keyMask', keyMask.data);
    this.current = 0;
    await this.run(this.prefill, {}, this.states[0]);
  }

  /** Feeds one token a sequence. */
  async feedTokens(ids: readonly number[]): Promise<void> {
    const { hiddenSize: H, vocabSize: V } = this.shape.config;
    const x = new Float32Array(ids.length * H);
    ids.forEach((id, b) => {
      if (!(id >= 0 && id < V)) throw new InputError(`token id ${id}; the model has ${V} tokens`);
      x.set(floatsOf(this.model.source.read('w.embedding', id, id + 1)), b * H);
    });
    this.write('x', x);
    await this.step(this.inputs.x as DeviceTensor);
  }

  /** Feeds the latent z [B, H] made of the last state, or one put in its place. */
  async feedLatent(replacement?: Float32Array<ArrayBuffer>): Promise<void> {
    if (replacement) this.write('x', replacement);
    await this.step((replacement ? this.inputs.x : this.now.latent) as DeviceTensor);
  }

  /** Logits [B, V] after the last position. */
  logits(): Promise<Float32Array> {
    return (this.now.logits as DeviceTensor).read() as Promise<Float32Array>;
  }

  /** hidden_states[1..L] of the last position, [B, L, H]. */
  hidden(): Promise<Float32Array> {
    return (this.now.hidden as DeviceTensor).read() as Promise<Float32Array>;
  }

  /** The latent that `feedLatent` would feed, [B, H]. */
  latent(): Promise<Float32Array> {
    return (this.now.latent as DeviceTensor).read() as Promise<Float32Array>;
  }

  /** Positions left before the keys are full. */
  get room(): number {
    return this.shape.keys - this.column;
  }

  dispose(): Promise<void> {
    return this.owned.dispose();
  }

  private get now(): Record<string, DeviceTensor> {
    return this.states[this.current] as Record<string, DeviceTensor>;
  }

  private write(name: string, data: HostData): void {
    (this.inputs[name] as DeviceTensor).write(data);
  }

  private async step(x: DeviceTensor): Promise<void> {
    const { batch: B, keys: T, config } = this.shape;
    if (this.room < 1)
      throw new InputError(
        `the sequence is full at ${T} positions`,
        'Shorten the question or the rationale.',
      );
    for (let b = 0; b < B; b++) this.mask[b * T + this.column] = 0;
    const place = new Float32Array(T);
    place[this.column] = 1;
    const tables = ropeTables(config, this.column, 1);
    this.write('mask', this.mask);
    this.write('place', place);
    this.write('cos', tables.cos);
    this.write('sin', tables.sin);
    const next = this.states[1 - this.current] as Record<string, DeviceTensor>;
    const past = Object.fromEntries(Object.entries(this.now).filter(([name]) => /^[kv]\./.test(name)));
    await this.run(this.advance, { ...past, x }, next);
    this.current = 1 - this.current;
    this.column++;
  }

  private async run(
    program: ModelProgram,
    bound: Record<string, DeviceTensor>,
    outputs: Record<string, DeviceTensor>,
  ): Promise<void> {
    const inputs: Record<string, DeviceTensor> = {};
    for (const name of program.inputs.keys()) {
      const lora = /^lora\.(\d+)$/.exec(name);
      inputs[name] = (bound[name] ??
        (lora ? this.adapter[Number(lora[1])] : this.inputs[name])) as DeviceTensor;
    }
    await program.run(inputs, outputs);
  }
}

/** [n, n] */
export function identity(n: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i++) out[i * n + i] = 1;
  return out;
}
