import type { GraphHostTensor, HostData } from '../base/dtype';
import { BUG, InputError, RuntimeError } from '../base/errors';
import { Owned } from '../base/owned';
import { type Shape, sizeOf } from '../base/shape';
import { HIDDEN } from '../base/tokens';
import type { Program } from '../graph/graph';
import { embeddingRows } from '../model/fed-embeddings';
import type { ModelOnDevice, ModelProgram } from '../model/model-on-device';
import { ProgramSet } from '../model/program-set';
import type { Feedback } from '../nn/feedback';
import { parameterShapes } from '../nn/parameter-set';
import { NO_PARAMETERS, parameterInput } from '../nn/parameters';
import { ropeTables } from '../nn/rope';
import { BoundInputs } from '../runtime/bound-inputs';
import type { DeviceTensor } from '../runtime/tensor';
import { adoptProgram } from './adopt';
import { stateBindings, withOwnRows } from './own-rows';
import {
  advanceProgram,
  type DecodeShape,
  type Fed,
  fedName,
  nextProgram,
  type PassOptions,
  prefillProgram,
  tokensFed,
} from './programs';
import {
  type DecodeSite,
  type Intervention,
  keepInput,
  matrixInput,
  putInput,
  type RowReplacement,
  shiftInput,
  siteName,
} from './sites';
import type { DecoderState, StateTensors } from './state';
import { MAX_STATE_BYTES, StatePool } from './state-pool';

/** A token for each sequence. */
export interface TokensInput {
  readonly tokens: readonly number[];
  /** Positions left unused before it; default 0. */
  readonly skip?: number;
}

/**
 * What every sequence is fed: a token each, a vector, [B, H] in all, the latent made from its last hidden state, or an added
 * token, the same for all: a row of a trained parameter.
 */
export type DecoderInput =
  | TokensInput
  | { readonly vector: Float32Array<ArrayBuffer> }
  | { readonly latent: Feedback }
  | { readonly embedding: string; readonly row: number };

export interface StepOptions {
  readonly interventions?: readonly Intervention[];
  /** Whether the new state keeps its hidden states, for `hiddenOf`. */
  readonly hidden?: boolean;
  /** Whether the new state keeps its attention weights, for `attentionOf`. */
  readonly attention?: boolean;
  /** Sites whose states before any intervention are kept, for `siteStateOf`. */
  readonly read?: readonly DecodeSite[];
}

/** What a step keeps besides keys and values. */
export type KeptOptions = Pick<StepOptions, 'hidden' | 'attention'>;

/**
 * Runs a model one position at a time, for B sequences at once. What it has read so far is a `DecoderState`, a value:
 * between any two steps it can be inspected (`readout.ts`), kept, and continued in more than one way. Programs are
 * compiled when first needed. Calls are served one after another.
 */
export class Decoder {
  private readonly programs: ProgramSet;
  private readonly inputs: BoundInputs;
  private readonly states: StatePool;
  private readonly owned = new Owned();
  private line: Promise<unknown> = Promise.resolve();
  private parameters: StateTensors = {};

  /** Holds the model until disposed of. @param shape its `config` is the model's own */
  constructor(
    readonly model: ModelOnDevice,
    readonly shape: DecodeShape,
    maxStateBytes = MAX_STATE_BYTES,
  ) {
    this.owned.add(model.retain());
    this.programs = new ProgramSet(model);
    this.inputs = this.owned.add(new BoundInputs(model.runtime));
    this.states = new StatePool(maxStateBytes);
  }

  /**
   * The trained values to run with, in the order of `parameterShapes`; the caller still owns them.
   * @throws RuntimeError for another number of values
   */
  setParameters(values: readonly DeviceTensor[]): void {
    const { config, parameters = NO_PARAMETERS } = this.shape;
    const all = parameterShapes(config, parameters);
    if (values.length !== all.length)
      throw new RuntimeError(`${values.length} trained tensors for a decoder of ${all.length}`, BUG);
    this.parameters = Object.fromEntries(
      all.map(({ name }, i) => [parameterInput(name), values[i] as DeviceTensor]),
    );
  }

  /** An intervention with P [H, H] and s [1, H], see `Intervention`; it is disposed of with this decoder. */
  intervention(
    at: DecodeSite,
    matrix: Float32Array<ArrayBuffer>,
    shift: Float32Array<ArrayBuffer>,
  ): Intervention {
    const { hiddenSize: H } = this.shape.config;
    if (at.site !== 'latent') checkLayer(this, at.layer);
    const upload = (data: Float32Array<ArrayBuffer>, shape: readonly number[], name: string): DeviceTensor =>
      this.owned.add(this.model.runtime.upload({ dtype: 'f32', shape, data }, name));
    return {
      at,
      matrix: upload(matrix, [H, H], matrixInput(at)),
      shift: upload(shift, [1, H], shiftInput(at)),
    };
  }

  /**
   * Compiles what is needed to read questions, to feed tokens and anything else in `feeds`, and to choose the
   * next token.
   * @param kept what those steps keep
   */
  async prepare(feeds: readonly Fed[] = [], kept: KeptOptions = {}): Promise<void> {
    await this.compile('prefill', kept);
    await this.compile(tokensFed(this.shape), kept);
    for (const fed of feeds) await this.compile(fed, kept);
    await this.compileHead('next', () => nextProgram(this.shape));
  }

  /** Compiles a pass without interventions ahead of its first use. */
  async compile(kind: 'prefill' | Fed, kept: KeptOptions = {}): Promise<void> {
    await this.pass(kind, { sites: [], read: [], hidden: false, attention: false, ...kept });
  }

  /** Compiles a program for `read` ahead of its first use. */
  async compileHead(key: string, program: () => Program): Promise<void> {
    await this.programs.get(key, program);
  }

  /** A state with nothing read yet: what the sequences begin with is fed to it, a token or a vector at a time. */
  empty(): Promise<DecoderState> {
    const { batch: B, capacity: T, config } = this.shape;
    const shape = [B, config.kvHeads, T, config.headDim];
    const zeros = new Float32Array(sizeOf(shape));
    const layers = Array.from({ length: config.layers }, (_, i) => i);
    const names = layers.flatMap((i) => [`k.${i}`, `v.${i}`]);
    return this.inTurn(async () => {
      const mask = new Float32Array(B * T).fill(HIDDEN);
      const tensors = this.states.take(new Map(names.map((name) => [name, { dtype: 'f32', shape }])), mask);
      try {
        for (const name of names) {
          tensors[name] ??= this.model.runtime.empty('f32', shape, name);
          tensors[name].write(zeros);
        }
      } catch (error) {
        this.states.giveBack(tensors);
        throw error;
      }
      return this.states.add({ column: 0, skipped: 0 }, mask, tensors, T);
    });
  }

  /**
   * Reads B questions, left-padded to S columns.
   * @param rows replacements for states at some of the columns, at most one per site
   */
  begin(
    ids: GraphHostTensor,
    keyMask: GraphHostTensor,
    options: StepOptions = {},
    rows: readonly RowReplacement[] = [],
  ): Promise<DecoderState> {
    const { batch: B, question: S, capacity: T, config } = this.shape;
    return this.inTurn(async () => {
      const mask = new Float32Array(B * T).fill(HIDDEN);
      for (let b = 0; b < B; b++) mask.set(keyMask.data.subarray(b * S, (b + 1) * S), b * T);
      const bound: Record<string, DeviceTensor> = {
        ids: this.inputs.write('ids', ids),
        keyMask: this.inputs.write('keyMask', keyMask),
      };
      for (const { at, keep, put } of rows) {
        bound[keepInput(at)] = this.input(keepInput(at), [B * S, 1], keep);
        bound[putInput(at)] = this.input(putInput(at), [B * S, config.hiddenSize], put);
      }
      const sites = rows.map(({ at }) => at);
      return this.run('prefill', bound, { column: S, skipped: 0 }, mask, options, sites);
    });
  }

  /**
   * A state of another decoder of this model, as one of this decoder's: a single sequence is repeated for
   * every row, and the cache is padded to this decoder's columns, of which the other must have fewer. The
   * given state is unchanged.
   * @throws RuntimeError for other sizes
   */
  adopt(state: DecoderState): Promise<DecoderState> {
    const { batch: B, capacity: T } = this.shape;
    return this.inTurn(async () => {
      const { tensors, mask } = state;
      const batch = tensors.last?.shape[0] as number;
      const keys = mask.length / batch;
      if ((batch !== 1 && batch !== B) || keys >= T)
        throw new RuntimeError(
          `a decoder state of ${batch} rows and ${keys} columns cannot become one of ${B} and ${T}`,
          BUG,
        );
      const wide = new Float32Array(B * T).fill(HIDDEN);
      for (let b = 0; b < B; b++) {
        const row = batch === 1 ? 0 : b;
        wide.set(mask.subarray(row * keys, (row + 1) * keys), b * T);
      }
      const program = await this.programs.get(`adopt ${batch} ${keys}`, () =>
        adoptProgram(this.shape, { batch, keys }),
      );
      return this.intoState(program, tensors, state, wide);
    });
  }

  /**
   * The state after one more position; the given one is unchanged. @throws InputError if the cache is full
   */
  advance(state: DecoderState, input: DecoderInput, options: StepOptions = {}): Promise<DecoderState> {
    return this.inTurn(async () => {
      const { batch: B, capacity: T, config } = this.shape;
      const { column, tensors } = state;
      const skipped = state.skipped + (('tokens' in input && input.skip) || 0);
      if (state.room < 1)
        throw new InputError(
          `the sequence is full at ${T} positions`,
          'Shorten the question or the rationale.',
        );
      const mask = state.mask.slice();
      for (let b = 0; b < B; b++) mask[b * T + column] = 0;
      const place = new Float32Array(T);
      place[column] = 1;
      const bound = {
        ...tensors,
        ...this.fed(input),
        mask: this.input('mask', [B, 1, 1, T], mask),
        place: this.input('place', [1, 1, T, 1], place),
        ...(config.positions !== 'learned' && this.tables(column + skipped)),
        ...(skipped > 0 && { skipped: this.input('skipped', [1, 1], Float32Array.of(skipped)) }),
      };
      return this.run(this.kindOf(input), bound, { column: column + 1, skipped }, mask, options);
    });
  }

  /** Like `advance`, but without a branch: the given state is disposed of, unless the step fails. */
  async step(state: DecoderState, input: DecoderInput, options?: StepOptions): Promise<DecoderState> {
    const next = await this.advance(state, input, options);
    state.dispose();
    return next;
  }

  /**
   * Runs one of the head's programs on tensors by name (a state's `last`, another program's outputs), for
   * `readout.ts` and `sample-next.ts`. The caller owns its outputs.
   */
  read(
    key: string,
    program: () => Program,
    tensors: StateTensors,
    more: Readonly<Record<string, GraphHostTensor>> = {},
  ): Promise<Record<string, DeviceTensor>> {
    return this.inTurn(async () => {
      const compiled = await this.programs.get(key, program);
      const bound = amongst(compiled.inputs, { ...tensors, ...this.parameters });
      for (const [name, { shape, data }] of Object.entries(more))
        bound[name] = this.input(`${key}.${name}`, shape, data);
      return compiled.run(bound);
    });
  }

  /** Bytes of its programs, of live states, and of spare tensors. */
  get bytes(): number {
    return this.programs.bytes + this.stateBytes + this.states.spareBytes;
  }

  /** Bytes of all live states. */
  get stateBytes(): number {
    return this.states.bytes;
  }

  /** Frees everything, including remaining states, once earlier calls are done. */
  async dispose(): Promise<void> {
    await this.inTurn(async () => undefined);
    this.states.dispose();
    await this.programs.dispose();
    await this.owned.dispose();
  }

  private input(name: string, shape: Shape, data: HostData): DeviceTensor {
    return this.inputs.write(name, { dtype: data instanceof Int32Array ? 'i32' : 'f32', shape, data });
  }

  /**
   * x [B, H]: embeddings of the given tokens, or the given vectors; or the index of a row. A latent needs
   * nothing more.
   */
  private fed(input: DecoderInput): Record<string, DeviceTensor> {
    if ('latent' in input) return {};
    if ('embedding' in input) return { row: this.input('row', [1], this.rowOf(input)) };
    const B = this.shape.batch;
    if ('tokens' in input && tokensFed(this.shape) === 'ids')
      return { ids: this.input('fed ids', [B, 1], Int32Array.from(input.tokens)) };
    const shape = [B, this.shape.config.hiddenSize];
    const x = 'vector' in input ? input.vector : embeddingRows(this.model.source, input.tokens).data;
    return { x: this.input('x', shape, x) };
  }

  /** @throws InputError for a row outside the parameter */
  private rowOf({ embedding, row }: Extract<DecoderInput, { row: number }>): Int32Array<ArrayBuffer> {
    const { modules } = this.shape.parameters ?? NO_PARAMETERS;
    const [count = 0] = modules.find(({ name }) => name === embedding)?.shape ?? [];
    if (!(Number.isInteger(row) && row >= 0 && row < count))
      throw new InputError(
        `row ${row} of the parameter "${embedding}", which has ${count}`,
        `Choose a row below ${count}.`,
      );
    return Int32Array.of(row);
  }

  /** A row of a trained parameter, [H]. @throws InputError for a row outside the parameter */
  async parameterRow(input: Extract<DecoderInput, { row: number }>): Promise<Float32Array<ArrayBuffer>> {
    const [row] = this.rowOf(input) as Int32Array & [number];
    const H = this.shape.config.hiddenSize;
    const values = await (this.parameters[parameterInput(input.embedding)] as DeviceTensor).read();
    return (values as Float32Array<ArrayBuffer>).slice(row * H, (row + 1) * H);
  }

  /** Rotary tables of one position. */
  private tables(position: number): Record<'cos' | 'sin', DeviceTensor> {
    const { config } = this.shape;
    const { cos, sin } = ropeTables(config, position, 1);
    const half = [1, config.headDim / 2];
    return { cos: this.input('cos', half, cos), sin: this.input('sin', half, sin) };
  }

  private async run(
    kind: 'prefill' | Fed,
    bound: Readonly<Record<string, DeviceTensor>>,
    place: Pick<DecoderState, 'column' | 'skipped'>,
    mask: Float32Array<ArrayBuffer>,
    { interventions = [], hidden = false, attention = false, read = [] }: StepOptions,
    rows: readonly DecodeSite[] = [],
  ): Promise<DecoderState> {
    const sites = interventions.map(({ at }) => at);
    const skips = place.skipped > 0 && this.shape.config.positions === 'learned';
    const program = await this.pass(kind, { sites, read, rows, hidden, attention, ...(skips && { skips }) });
    const all: Record<string, DeviceTensor> = { ...bound, ...this.parameters };
    for (const { at, matrix, shift } of interventions) {
      if (all[matrixInput(at)])
        throw new InputError(
          `there are two interventions at ${siteName(at)}; one is expected`,
          'Combine them into one.',
        );
      all[matrixInput(at)] = matrix;
      all[shiftInput(at)] = shift;
    }
    return this.intoState(program, all, place, mask);
  }

  /** Runs the program on those tensors that are its inputs; its outputs become a state. */
  private async intoState(
    program: ModelProgram,
    tensors: StateTensors,
    place: Pick<DecoderState, 'column' | 'skipped'>,
    mask: Float32Array<ArrayBuffer>,
  ): Promise<DecoderState> {
    const inputs = amongst(program.inputs, tensors);
    const spare = this.states.take(stateBindings(program), mask);
    try {
      const { runtime } = this.model;
      const outputs = await program.run(inputs, amongst(program.outputs, spare));
      const made = withOwnRows({ program, inputs, outputs, spare, runtime, column: place.column - 1 });
      return this.states.add(place, mask, made, this.shape.capacity - place.column);
    } catch (error) {
      this.states.giveBack(spare);
      throw error;
    }
  }

  private kindOf(input: DecoderInput): Fed {
    if ('latent' in input) return { latent: input.latent };
    if ('tokens' in input) return tokensFed(this.shape);
    return 'embedding' in input ? { embedding: input.embedding } : 'vector';
  }

  private pass(kind: 'prefill' | Fed, options: PassOptions): Promise<ModelProgram> {
    const { sites, read, rows = [], hidden, attention, skips = false } = options;
    const names = (of: readonly DecodeSite[]): string => of.map(siteName).sort().join(' ');
    const name = [
      kind === 'prefill' ? kind : fedName(kind),
      names(sites),
      names(read),
      names(rows),
      hidden,
      attention,
      ...(skips ? ['skips'] : []),
    ].join(';');
    const ownOnly = this.model.runtime.provider === 'wasm';
    return this.programs.get(name, () =>
      kind === 'prefill'
        ? prefillProgram(this.shape, options)
        : advanceProgram(this.shape, kind, { ...options, ownOnly }),
    );
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.line.then(work);
    this.line = result.catch(() => undefined);
    return result;
  }
}

/** The tensors that are among a program's inputs, or among its outputs. */
const amongst = (bindings: ModelProgram['inputs'], tensors: StateTensors): Record<string, DeviceTensor> =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => bindings.has(name)));

/** @throws InputError if the model has no such layer, counted from 1 */
export function checkLayer({ shape }: Pick<Decoder, 'shape'>, layer: number): void {
  const { layers: L } = shape.config;
  if (!(Number.isInteger(layer) && layer >= 1 && layer <= L))
    throw new InputError(`layer ${layer}; the model has layers 1 to ${L}`, `Choose a layer from 1 to ${L}.`);
}
