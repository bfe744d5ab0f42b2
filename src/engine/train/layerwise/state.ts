import { type Shape, showShape, sizeOf } from '../../base/shape';
import type { ModelProgram } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import type { Segment, Value } from '../tape/entries';
import type { Hosts } from '../tape/inputs';
import type { Compiled } from './compiled';
import type { Branch, Owner } from './plan';
import { cacheOf, type Kept, keptOf, sumOf } from './programs';

/** What is bound to a program's inputs. */
export type Bindings = Readonly<Record<string, Kept | DeviceTensor | undefined>>;
type Slots = Record<string, DeviceTensor>;

/** What one run has computed so far and still needs. */
export class RunState {
  private readonly kept = new Map<Owner, Slots>();
  private readonly reads: Map<Owner, number>;

  constructor(
    readonly at: Compiled,
    readonly hosts: Hosts,
    parameters: readonly DeviceTensor[],
    readonly step: number,
  ) {
    this.reads = new Map(at.plan.readers);
    const named = at.tape.parameters.all.map(({ name }, i) => [name, parameters[i] as DeviceTensor]);
    this.kept.set(at.tape.parameters, Object.fromEntries(named));
  }

  /** Trained parameters, by the names of a program's inputs. @param named a program's names for them, and their own */
  parameters(named: readonly (readonly [input: string, name: string])[]): Readonly<Record<string, Kept>> {
    const owner = this.at.tape.parameters;
    return Object.fromEntries(named.map(([input, slot]) => [`parameter.${input}`, { owner, slot }]));
  }

  /** Trained parameters that a program reads under their own names. */
  parametersOf({ inputs }: ModelProgram): Readonly<Record<string, Kept>> {
    return this.parameters(named(inputs.keys(), 'parameter.'));
  }

  /** Trained parameters whose gradients the program adds up. */
  summedBy({ inputs }: ModelProgram): Readonly<Record<string, Kept>> {
    return this.parameters(named(inputs.keys(), 'before.parameter.'));
  }

  /** The keys and values that a segment's readers see. */
  caches(segment: Segment, layer: number): ReturnType<typeof cacheOf> {
    return cacheOf(this.at.plan.branches.get(segment) as Branch, layer);
  }

  get(of: Kept | DeviceTensor | undefined): DeviceTensor | undefined {
    return of && 'slot' in of ? this.kept.get(of.owner)?.[of.slot] : of;
  }

  /** Takes over a tensor; the one it replaces returns to the pool. */
  set({ owner, slot }: Kept, tensor: DeviceTensor): void {
    const slots = this.kept.get(owner) ?? {};
    this.kept.set(owner, slots);
    this.at.pool.give(slots[slot]);
    slots[slot] = tensor;
  }

  /** Hands over a tensor; the caller gives it back to the pool. */
  take(kept: Kept): DeviceTensor | undefined {
    const tensor = this.get(kept);
    delete this.kept.get(kept.owner)?.[kept.slot];
    return tensor;
  }

  zeros(shape: Shape): DeviceTensor {
    return this.at.feeds.constant(`zeros ${showShape(shape)}`, () => {
      return { dtype: 'f32', shape, data: new Float32Array(sizeOf(shape)) };
    });
  }

  /**
   * Runs a program on whichever of the given tensors it reads; its outputs come from the pool, and the caller
   * returns them.
   */
  async call(program: ModelProgram, ...given: readonly Bindings[]): Promise<Slots> {
    const inputs: Slots = {};
    for (const bindings of given)
      for (const [name, of] of Object.entries(bindings)) {
        const tensor = this.get(of);
        if (tensor && program.inputs.has(name)) inputs[name] = tensor;
      }
    const outputs: Slots = {};
    for (const [name, { shape }] of program.outputs)
      outputs[name] = this.at.pool.take(shape, `${program.name}: ${name}`);
    return program.run(inputs, outputs);
  }

  /**
   * Runs a program in reverse, which adds the gradients of its inputs `sums` to their sums so far.
   * @param cotangents absent ones are zeros
   * @returns its other outputs, which the caller gives back
   */
  async reverse(
    program: ModelProgram,
    sums: Readonly<Record<string, Kept>>,
    cotangents: Bindings,
    ...given: readonly Bindings[]
  ): Promise<Slots> {
    const all = Object.entries(sums).map(([name, kept]) => ({ name, sum: sumOf(kept) }));
    const before = Object.fromEntries(all.map(({ name, sum }) => [`before.${name}`, sum]));
    const bound: Slots = {};
    for (const [name, of] of Object.entries({ ...before, ...cotangents })) {
      const input = program.inputs.get(name);
      if (input) bound[name] = this.get(of) ?? this.zeros(input.shape);
    }
    const out = await this.call(program, ...given, bound);
    for (const { name, sum } of all) this.set(sum, out[`sum.${name}`] as DeviceTensor);
    return out;
  }

  /** Adds cotangents of what a value is read from to the sums so far, and takes them over. */
  async handOn(value: Value, parts: readonly (DeviceTensor | undefined)[]): Promise<void> {
    const { plan, pool, tape } = this.at;
    for (const [i, kept] of keptOf(tape, value).entries()) {
      const part = parts[i];
      const sum = sumOf(kept);
      if (value.detached || !plan.reversed.has(kept.owner)) pool.give(part);
      else if (part && !this.get(sum)) this.set(sum, part);
      else if (part) {
        const made = await this.call(await this.at.sum(part.shape), { a: sum, b: part });
        pool.give(part);
        this.set(sum, made.sum as DeviceTensor);
      }
    }
  }

  /** Notes that one entry fewer will read the owner's tensors. @returns how many are left */
  leave(owner: Owner): number {
    const left = (this.reads.get(owner) as number) - 1;
    this.reads.set(owner, left);
    return left;
  }

  /** Frees the owner's tensors, which nothing will read any more. */
  free(owner: Owner): void {
    this.at.pool.give(...Object.values(this.kept.get(owner) ?? {}));
    this.kept.delete(owner);
    const branch = this.at.plan.branches.get(owner);
    if (branch && this.leave(branch) === 0) this.free(branch);
  }
}

/** Names of inputs with this prefix, without it, as the pairs that `parameters` takes. */
const named = (inputs: Iterable<string>, prefix: string): (readonly [string, string])[] =>
  [...inputs].flatMap((input) => {
    const name = input.slice(prefix.length);
    return input.startsWith(prefix) ? [[name, name] as const] : [];
  });
