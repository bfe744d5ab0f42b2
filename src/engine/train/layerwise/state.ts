import { type Shape, showShape, sizeOf } from '../../base/shape';
import type { ModelOnDevice, ModelProgram } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import type { BoundFeeds } from '../feeds';
import type { Segment, Value } from '../tape/entries';
import type { Hosts } from '../tape/inputs';
import type { Tape } from '../tape/tape';
import type { Programs } from './compiled';
import type { Branch, Owner, Plan } from './plan';
import type { TensorPool } from './pool';
import { cacheOf, type Kept, keptOf } from './programs';

export type Tensors = Readonly<Record<string, DeviceTensor | undefined>>;
type Slots = Record<string, DeviceTensor>;

/** A compiled tape, with everything that its runs share. */
export interface Machine {
  readonly tape: Tape;
  readonly plan: Plan;
  readonly model: ModelOnDevice;
  readonly programs: Programs;
  readonly feeds: BoundFeeds;
  readonly pool: TensorPool;
}

/** Tensors by owner and slot. */
class Store {
  private readonly owners = new Map<Owner, Slots>();

  constructor(private readonly pool: TensorPool) {}

  get({ owner, slot }: Kept): DeviceTensor | undefined {
    return this.owners.get(owner)?.[slot];
  }

  /** Takes a tensor over; what it replaces goes back to the pool. */
  set({ owner, slot }: Kept, tensor: DeviceTensor): void {
    const slots = this.owners.get(owner) ?? {};
    this.owners.set(owner, slots);
    this.pool.give(slots[slot]);
    slots[slot] = tensor;
  }

  /** Hands a tensor over; the caller gives it back. */
  take(kept: Kept): DeviceTensor | undefined {
    const tensor = this.get(kept);
    delete this.owners.get(kept.owner)?.[kept.slot];
    return tensor;
  }

  free(owner: Owner): void {
    this.pool.give(...Object.values(this.owners.get(owner) ?? {}));
    this.owners.delete(owner);
  }
}

/** What one run has computed so far and still needs. */
export class RunState {
  readonly values: Store;
  /** Cotangents and gradients so far. */
  readonly sums: Store;
  private readonly reads: Map<Owner, number>;

  constructor(
    readonly at: Machine,
    readonly hosts: Hosts,
    parameters: readonly DeviceTensor[],
    readonly step: number,
  ) {
    this.values = new Store(at.pool);
    this.sums = new Store(at.pool);
    this.reads = new Map(at.plan.readers);
    for (const [i, { name }] of at.tape.parameters.all.entries())
      this.values.set(this.parameter(name), parameters[i] as DeviceTensor);
  }

  parameter(name: string): Kept {
    return { owner: this.at.tape.parameters, slot: name };
  }

  /** The keys and values that a segment's readers see. */
  caches(segment: Segment, layer: number): { readonly k: Kept; readonly v: Kept } {
    return cacheOf(this.at.plan.branches.get(segment) as Branch, layer);
  }

  value(kept: Kept): DeviceTensor {
    return this.values.get(kept) as DeviceTensor;
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

  /**
   * Runs a program in reverse: adds to sums, by the names it has for them.
   * @param cotangents zeros where undefined
   * @returns its other outputs, which the caller gives back
   */
  async reverse(
    program: ModelProgram,
    sums: Readonly<Record<string, Kept>>,
    cotangents: Tensors,
    ...given: readonly Tensors[]
  ): Promise<Slots> {
    const before = Object.entries(sums).map(
      ([name, kept]) => [`before.${name}`, this.sums.get(kept)] as const,
    );
    const bound: Slots = {};
    for (const [name, tensor] of [...before, ...Object.entries(cotangents)]) {
      const input = program.inputs.get(name);
      if (input) bound[name] = tensor ?? this.zeros(input.shape);
    }
    const out = await this.call(program, bound, ...given);
    for (const [name, kept] of Object.entries(sums)) this.sums.set(kept, out[`sum.${name}`] as DeviceTensor);
    return out;
  }

  /** Adds cotangents of what a value is read from to those so far, and takes them over. */
  async handOn(value: Value, parts: readonly (DeviceTensor | undefined)[]): Promise<void> {
    const { plan, pool, programs, tape } = this.at;
    for (const [i, kept] of keptOf(tape, value).entries()) {
      const b = parts[i];
      const a = this.sums.get(kept);
      if (!b) continue;
      if (value.detached || !plan.reversed.has(kept.owner)) pool.give(b);
      else if (!a) this.sums.set(kept, b);
      else {
        const { sum } = await this.call(await programs.sum(b.shape), { a, b });
        pool.give(b);
        this.sums.set(kept, sum as DeviceTensor);
      }
    }
  }

  /** One entry fewer will read the owner's tensors. @returns how many are left */
  leave(owner: Owner): number {
    const left = (this.reads.get(owner) as number) - 1;
    this.reads.set(owner, left);
    return left;
  }

  /** Nothing will read the owner's tensors any more. */
  free(owner: Owner): void {
    this.values.free(owner);
    this.sums.free(owner);
    const branch = this.at.plan.branches.get(owner);
    if (branch && this.leave(branch) === 0) this.free(branch);
  }
}
