import { type Shape, showShape, sizeOf } from '../../base/shape';
import type { ModelOnDevice, ModelProgram } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import type { BoundFeeds } from '../feeds';
import type { FunctionEntry, Producer } from '../tape/entries';
import type { Hosts } from '../tape/inputs';
import type { Tape } from '../tape/tape';
import { Caches } from './caches';
import type { Programs } from './compiled';
import type { Plan } from './plan';
import type { TensorPool } from './pool';
import { cotangentName, type Kept, keptOf } from './programs';

export type Tensors = Readonly<Record<string, DeviceTensor | undefined>>;
/** Tensors of one producer, by the names of `Kept`. */
type Slots = Record<string, DeviceTensor>;
/** Names of parameters by those that a program gives them. */
type Names = Iterable<readonly [own: string, parameter: string]>;

/** A compiled tape, with everything that its runs share. */
export interface Machine {
  readonly tape: Tape;
  readonly plan: Plan;
  readonly model: ModelOnDevice;
  readonly programs: Programs;
  readonly feeds: BoundFeeds;
  readonly pool: TensorPool;
}

/** What one run has computed so far and still needs. */
export class RunState {
  readonly caches: Caches;
  /** Sums so far, in the order of the parameters. */
  readonly gradients: DeviceTensor[];
  private readonly values = new Map<Producer, Slots>();
  private readonly cotangents = new Map<Producer, Slots>();
  private readonly reads = new Map<Producer, number>();

  constructor(
    readonly at: Machine,
    readonly hosts: Hosts,
    private readonly parameters: readonly DeviceTensor[],
    readonly step: number,
  ) {
    this.caches = new Caches(at.pool);
    this.gradients = at.tape.parameters.all.map(({ shape }) => this.zeros(shape));
  }

  zeros(shape: Shape): DeviceTensor {
    return this.at.feeds.constant(`zeros ${showShape(shape)}`, () => {
      return { dtype: 'f32', shape, data: new Float32Array(sizeOf(shape)) };
    });
  }

  /**
   * Runs a program on whichever of the given tensors it reads; its outputs come from the pool, and the caller gives them
   * back.
   */
  async call(program: ModelProgram, ...given: readonly Tensors[]): Promise<Slots> {
    const inputs: Slots = {};
    for (const tensors of given)
      for (const [name, tensor] of Object.entries(tensors))
        if (tensor && program.inputs.has(name)) inputs[name] = tensor;
    const outputs: Slots = {};
    for (const [name, { shape }] of program.outputs)
      outputs[name] = this.at.pool.take(shape, `${program.name}: ${name}`);
    return program.run(inputs, outputs);
  }

  /** Parameters and their gradients so far, as programs name them. */
  bound(names: Names): Tensors {
    const bound: Slots = {};
    for (const [own, name] of names) {
      const i = this.at.tape.parameters.index(name);
      bound[`parameter.${own}`] = this.parameters[i] as DeviceTensor;
      bound[`sum.${own}`] = this.gradients[i] as DeviceTensor;
    }
    return bound;
  }

  /** Replaces gradients by the sums that a program made from them. */
  takeGradients(names: Names, out: Slots): void {
    for (const [own, name] of names) {
      const i = this.at.tape.parameters.index(name);
      this.at.pool.give(this.gradients[i]);
      this.gradients[i] = out[`gradient.${own}`] as DeviceTensor;
    }
  }

  keep(producer: Producer, slots: Slots): void {
    this.values.set(producer, slots);
  }

  value({ producer, slot }: Kept): DeviceTensor {
    return this.values.get(producer)?.[slot] as DeviceTensor;
  }

  /** Adds a cotangent and takes it over. */
  async add({ producer, slot }: Kept, part: DeviceTensor): Promise<void> {
    const { plan, pool, programs } = this.at;
    if (!plan.reverses(producer)) return pool.give(part);
    const slots = this.cotangents.get(producer) ?? {};
    this.cotangents.set(producer, slots);
    const before = slots[slot];
    if (!before) {
      slots[slot] = part;
      return;
    }
    const { sum } = await this.call(await programs.sum(part.shape), { a: before, b: part });
    pool.give(before, part);
    slots[slot] = sum as DeviceTensor;
  }

  /** Hands over a cotangent; the caller gives it back. */
  takeCotangent({ producer, slot }: Kept): DeviceTensor | undefined {
    const slots = this.cotangents.get(producer) ?? {};
    const tensor = slots[slot];
    delete slots[slot];
    return tensor;
  }

  /** Adds a program's cotangents of its inputs to those of their producers. */
  async handOn({ inputs }: FunctionEntry, out: Slots): Promise<void> {
    for (const [i, value] of inputs.entries())
      for (const [j, each] of (value.detached ? [] : keptOf(this.at.tape, value)).entries())
        await this.add(each, out[cotangentName(i, j)] as DeviceTensor);
  }

  /** Counts that one entry fewer will read a producer. @returns how many are left */
  leave(producer: Producer): number {
    const left = (this.reads.get(producer) ?? this.at.plan.readers(producer)) - 1;
    this.reads.set(producer, left);
    return left;
  }

  /** Nothing will read the producer's values any more. */
  free(producer: Producer): void {
    this.at.pool.give(...Object.values(this.values.get(producer) ?? {}));
    if (producer.kind === 'segment') this.caches.leave(producer);
  }
}
