import type { Owned } from '../../base/owned';
import type { Device } from '../../device/device';
import type { Program } from '../../graph/graph';
import type { ModelOnDevice, ModelProgram } from '../../model/model-on-device';
import { layerPrograms, type SegmentShape } from '../../nn/programs/layer';
import type { LossRun } from '../losses/state-loss';
import type { ComputeEntry, Entry, LossEntry, Segment, Value } from '../tape/entries';
import { type Tape, termsOf } from '../tape/tape';
import type { Plan } from './plan';
import {
  computePrograms,
  itself,
  keyValueLossProgram,
  lossProgram,
  sumProgram,
  termsProgram,
} from './programs';

/** Whether losses on hidden states run as traced programs, or as kernels where they have them. */
export type LossForm = 'traced' | 'kernels';

export interface LayerwiseOptions {
  /** Default `kernels` on WebGPU, `traced` on WASM. */
  readonly losses?: LossForm;
  /** The runtime's device; needed on WebGPU. */
  readonly device?: Device;
  /** Awaited before each program is compiled: it waits while the run is paused, and rejects when it is cancelled. */
  readonly between?: () => Promise<void>;
}

export interface Pair {
  readonly forward: ModelProgram;
  /** Undefined if nothing before it is trained. */
  readonly reverse: ModelProgram | undefined;
}

/** The compiled programs of a tape; equal ones are one. */
export class Programs {
  private readonly known = new Map<string, Promise<ModelProgram>>();
  private readonly pairs = new Map<Entry, Pair>();
  readonly losses = new Map<Entry, ModelProgram>();
  readonly runs = new Map<Entry, LossRun>();
  private terms: ModelProgram | undefined;

  constructor(
    private readonly model: ModelOnDevice,
    private readonly owned: Owned,
  ) {}

  pair = (entry: Entry): Pair => this.pairs.get(entry) as Pair;
  get joining(): ModelProgram {
    return this.terms as ModelProgram;
  }
  /** The sum of two tensors of a shape; compiled when first needed. */
  sum(shape: readonly number[]): Promise<ModelProgram> {
    return this.compile(`sum ${shape}`, () => sumProgram(shape));
  }

  /** Number of distinct sessions, including those of losses that run as kernels. */
  async distinct(): Promise<{ programs: number; nodes: number }> {
    const all = new Set((await Promise.all(this.known.values())).map(({ executable }) => executable));
    for (const run of this.runs.values()) for (const executable of run.executables) all.add(executable);
    return { programs: all.size, nodes: [...all].reduce((n, { nodeCount }) => n + nodeCount, 0) };
  }

  async prepare(tape: Tape, plan: Plan, options: LayerwiseOptions): Promise<void> {
    for (const entry of plan.entries) {
      await options.between?.();
      const back = plan.reverses(entry);
      if (entry.kind === 'segment') await this.segment(tape, plan, entry, back);
      if (entry.kind === 'compute') this.pairs.set(entry, await this.computed(tape, entry, back));
      if (entry.kind === 'loss') await this.loss(tape, entry, options);
      if (entry.kind === 'keyValueLoss')
        this.losses.set(
          entry,
          await this.compile(`kv ${entry.name}`, () => keyValueLossProgram(tape, entry, plan.columns)),
        );
      if (entry.kind === 'output')
        this.pairs.set(entry, await this.computed(tape, itself(entry.inputs[0] as Value), false));
    }
    const lengths = plan.entries.map((entry) => termsOf(entry).length).filter((length) => length > 0);
    if (lengths.length > 0) this.terms = await this.compile('terms', () => termsProgram(lengths));
  }

  private async segment(tape: Tape, plan: Plan, segment: Segment, back: boolean): Promise<void> {
    const shape = shapeOf(tape, plan, segment);
    const { adapters, ...rest } = shape;
    const key = `segment ${JSON.stringify(rest)} ${Object.keys(adapters)}`;
    const programs = (): ReturnType<typeof layerPrograms> => layerPrograms(tape.parameters.config, shape);
    const forward = await this.compile(key, () => programs().forward);
    const reverse = back ? await this.compile(`${key}, in reverse`, () => programs().reverse) : undefined;
    this.pairs.set(segment, { forward, reverse });
  }

  private async computed(tape: Tape, entry: ComputeEntry, back: boolean): Promise<Pair> {
    const inputs = entry.inputs.map((input) => [
      input.shape,
      input.detached,
      input.kind === 'finals' && [input.from, input.segment.positions, input.segment.watched],
      input.kind === 'states' &&
        input.tracks.map(({ segment, positions }) => [positions, segment.positions, segment.watched]),
    ]);
    const key = `${entry.name} ${JSON.stringify(inputs)} ${entry.parameters}`;
    const programs = (): ReturnType<typeof computePrograms> => computePrograms(tape, entry);
    const forward = await this.compile(key, () => programs().forward);
    const reverse = back ? await this.compile(`${key}, in reverse`, () => programs().reverse) : undefined;
    return { forward, reverse };
  }

  private async loss(tape: Tape, entry: LossEntry, { losses, device }: LayerwiseOptions): Promise<void> {
    const { runtime } = this.model;
    const form = losses ?? (runtime.provider === 'webgpu' ? 'kernels' : 'traced');
    const [states] = entry.inputs;
    if (form === 'kernels' && entry.kernel && states && !states.detached) {
      this.pairs.set(entry, await this.computed(tape, itself(states), true));
      this.runs.set(entry, this.owned.add(await entry.kernel(runtime, states.shape, device)));
      return;
    }
    this.losses.set(entry, await this.compile(`loss ${entry.names}`, () => lossProgram(tape, entry)));
  }

  private compile(key: string, program: () => Program): Promise<ModelProgram> {
    const known = this.known.get(key);
    if (known) return known;
    const made = this.model.compile(program()).then((compiled) => this.owned.add(compiled));
    this.known.set(key, made);
    return made;
  }
}

function shapeOf(tape: Tape, { columns }: Plan, segment: Segment): SegmentShape {
  const { positions, from, writes, watched, rowPositions } = segment;
  // In a chain of single positions (latents) each is told its column, so that one program serves them all.
  const told = positions === 1 && writes && segment.after !== undefined;
  return {
    batch: tape.batch,
    positions,
    from: told ? 'told' : from,
    columns,
    writes,
    watched,
    rowPositions: rowPositions !== undefined,
    adapters: Object.fromEntries(
      segment.adapters.map((name) => [name, tape.parameters.adapters[name] as never]),
    ),
  };
}
