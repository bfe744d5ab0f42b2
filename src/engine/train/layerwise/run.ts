import type { HostTensor } from '../../base/dtype';
import { sizeOf } from '../../base/shape';
import type { ModelProgram } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import type { TapeOutput } from '../step';
import {
  type ComputeEntry,
  type Entry,
  type KeyValueLossEntry,
  type LossEntry,
  type OutputEntry,
  type Producer,
  producersOf,
  type Segment,
  type Value,
} from '../tape/entries';
import { Caches } from './caches';
import type { Tensors } from './constants';
import type { Run } from './context';
import { reverseLayers, runLayers, type SegmentRun } from './layers';
import { cotangentName, differentiable, inputName, type Kept, keptOf } from './programs';

/**
 * Runs the entries forward, in the order they were recorded. A loss produces its cotangents immediately; an entry whose
 * readers are all done then runs in reverse, passes its cotangents on and is freed. Values and cotangents therefore live no
 * longer than they are needed, and nothing here knows what a method is.
 */
export async function runTape(run: Run): Promise<TapeOutput> {
  return new TapeRunner(run).run();
}

export class TapeRunner {
  readonly caches: Caches;
  private readonly values = new Map<ComputeEntry, DeviceTensor>();
  private readonly segments = new Map<Segment, SegmentRun>();
  private readonly pending = new Map<Producer, number>();
  /** Cotangents of computed values, and of segments' outputs at all positions. */
  private readonly cotangents = new Map<Producer, DeviceTensor>();
  /** Cotangents of segments' watched outputs, by layer. */
  private readonly watched = new Map<Segment, (DeviceTensor | undefined)[]>();
  private readonly gradients: DeviceTensor[];
  private readonly terms: DeviceTensor[] = [];
  private readonly outputs: Record<string, DeviceTensor> = {};

  constructor(readonly at: Run) {
    this.caches = new Caches(at.pool);
    this.gradients = at.tape.parameters.all.map(({ shape }) => at.constants.zeros(shape));
    at.feeds.begin(at.hosts);
  }

  async run(): Promise<TapeOutput> {
    const { plan, programs, pool } = this.at;
    for (const entry of plan.entries) {
      if (entry.kind === 'segment') this.segments.set(entry, await runLayers(this, entry));
      if (entry.kind === 'compute') await this.compute(entry);
      if (entry.kind === 'loss') await this.loss(entry);
      if (entry.kind === 'keyValueLoss') await this.keyValueLoss(entry);
      if (entry.kind === 'output') await this.output(entry);
      if (!plan.reverses(entry)) await this.done(entry);
    }
    if (this.terms.length === 0) return { terms: undefined, gradients: [], outputs: this.outputs };
    const named = Object.fromEntries(this.terms.map((part, i) => [String(i), part]));
    const { terms } = await this.call(programs.joining, named);
    pool.give(...this.terms);
    return { terms, gradients: this.gradients, outputs: this.outputs };
  }

  /**
   * Runs a program on whichever of the given tensors it reads; its outputs come from the pool, and the caller gives them
   * back.
   */
  async call(program: ModelProgram, ...given: readonly Tensors[]): Promise<Record<string, DeviceTensor>> {
    const inputs: Record<string, DeviceTensor> = {};
    for (const tensors of given)
      for (const [name, tensor] of Object.entries(tensors))
        if (tensor && program.inputs.has(name)) inputs[name] = tensor;
    const outputs: Record<string, DeviceTensor> = {};
    for (const [name, { shape }] of program.outputs)
      outputs[name] = this.at.pool.take(shape, `${program.name}: ${name}`);
    return program.run(inputs, outputs);
  }

  parameter(name: string): DeviceTensor {
    return this.at.parameters[this.at.tape.parameters.index(name)] as DeviceTensor;
  }
  gradient(name: string): DeviceTensor {
    return this.gradients[this.at.tape.parameters.index(name)] as DeviceTensor;
  }
  /** Replaces the running sum. */
  setGradient(name: string, sum: DeviceTensor): void {
    const i = this.at.tape.parameters.index(name);
    this.at.pool.give(this.gradients[i]);
    this.gradients[i] = sum;
  }

  tensorOf(entry: ComputeEntry): DeviceTensor {
    return this.values.get(entry) as DeviceTensor;
  }

  cotangentOf(segment: Segment): {
    dy: DeviceTensor | undefined;
    watched: readonly (DeviceTensor | undefined)[];
  } {
    return { dy: this.cotangents.get(segment), watched: this.watched.get(segment) ?? [] };
  }

  /** Adds a cotangent and takes it over. */
  async add(producer: Producer, part: DeviceTensor): Promise<void> {
    if (!this.at.plan.reverses(producer)) return this.at.pool.give(part);
    this.cotangents.set(producer, await this.sum(this.cotangents.get(producer), part));
  }

  private async addWatched(segment: Segment, layer: number, part: DeviceTensor): Promise<void> {
    if (!this.at.plan.reverses(segment)) return this.at.pool.give(part);
    const all = this.watched.get(segment) ?? [];
    all[layer] = await this.sum(all[layer], part);
    this.watched.set(segment, all);
  }

  private async sum(before: DeviceTensor | undefined, part: DeviceTensor): Promise<DeviceTensor> {
    if (!before) return part;
    const { sum } = await this.call(await this.at.programs.sum(part.shape), { a: before, b: part });
    this.at.pool.give(before, part);
    return sum as DeviceTensor;
  }

  private async compute(entry: ComputeEntry): Promise<void> {
    const { forward } = this.at.programs.pair(entry);
    const { y } = await this.call(forward, ...this.bound(entry.inputs, entry.parameters));
    this.values.set(entry, y as DeviceTensor);
  }

  private async loss(entry: LossEntry): Promise<void> {
    const { programs, hosts } = this.at;
    const byKernel = programs.runs.get(entry);
    if (byKernel) {
      const { forward, reverse } = programs.pair(entry);
      const bound = this.bound(entry.inputs);
      const { y } = await this.call(forward, ...bound);
      await byKernel.run(y as DeviceTensor, hosts);
      this.terms.push(byKernel.terms);
      const out = await this.call(reverse as ModelProgram, ...bound, { dy: byKernel.cotangent });
      this.at.pool.give(y);
      return this.handOn(entry.inputs, out);
    }
    const program = programs.losses.get(entry) as ModelProgram;
    const bound = this.bound(entry.inputs, entry.parameters);
    const out = await this.call(program, ...bound);
    this.terms.push(out.terms as DeviceTensor);
    await this.handOn(entry.inputs, out);
    this.keepGradients(entry.parameters, out);
  }

  private async keyValueLoss(entry: KeyValueLossEntry): Promise<void> {
    const { tape, programs, hosts, constants, pool, feeds } = this.at;
    const { segment } = entry.range;
    const program = programs.losses.get(entry) as ModelProgram;
    const host = hosts[entry.target.name] as HostTensor;
    const size = sizeOf(entry.target.shape.slice(1));
    let sum = constants.zeros([1]);
    for (let i = 0; i < tape.parameters.config.layers; i++) {
      const name = `${entry.target.name} of layer ${i}`;
      const data = (host.data as Float32Array<ArrayBuffer>).subarray(i * size, (i + 1) * size);
      feeds.write({ [name]: { dtype: 'f32', shape: entry.target.shape.slice(1), data } });
      const { k, v } = this.caches.of(segment, i);
      const cotangent = this.caches.cotangent(segment, i, constants.zeros(k.shape));
      const out = await this.call(program, {
        ...{ k, v, target: feeds.tensors[name], sum, sumK: cotangent.k, sumV: cotangent.v },
      });
      this.caches.setCotangent(segment, i, { k: out.dK as DeviceTensor, v: out.dV as DeviceTensor });
      pool.give(sum);
      sum = out.term as DeviceTensor;
    }
    this.terms.push(sum);
  }

  private async output(entry: OutputEntry): Promise<void> {
    const { y } = await this.call(this.at.programs.pair(entry).forward, ...this.bound(entry.inputs));
    this.outputs[entry.name] = y as DeviceTensor;
  }

  /** Runs a producer in reverse, passes its cotangents on and frees its values. */
  private async reverse(producer: Producer): Promise<void> {
    const { pool, programs } = this.at;
    if (producer.kind === 'segment') {
      await reverseLayers(this, producer, this.segments.get(producer) as SegmentRun);
    } else {
      const { reverse } = programs.pair(producer);
      const bound = this.bound(producer.inputs, producer.parameters);
      const out = await this.call(reverse as ModelProgram, ...bound, { dy: this.cotangents.get(producer) });
      await this.handOn(producer.inputs, out);
      this.keepGradients(producer.parameters, out);
    }
    pool.give(this.cotangents.get(producer), ...(this.watched.get(producer as Segment) ?? []));
    await this.done(producer);
  }

  /** An entry no longer needs what it read. */
  private async done(entry: Entry): Promise<void> {
    for (const { producer } of producersOf(entry)) {
      const left = (this.pending.get(producer) ?? this.at.plan.readers(producer)) - 1;
      this.pending.set(producer, left);
      if (left > 0) continue;
      if (this.at.plan.reverses(producer)) await this.reverse(producer);
      this.free(producer);
    }
  }

  private free(producer: Producer): void {
    const { pool } = this.at;
    if (producer.kind === 'compute') {
      pool.give(this.values.get(producer));
      return;
    }
    this.caches.leave(producer);
    const run = this.segments.get(producer);
    pool.give(run?.y, ...(run?.watched ?? []), ...(run?.outputs ?? []));
  }

  /** Tensors a program reads for values, its parameters and their gradients so far, and the batch's inputs. */
  private bound(inputs: readonly Value[], parameters: readonly string[] = []): Tensors[] {
    const named: Record<string, DeviceTensor> = {};
    inputs.forEach((value, i) => {
      this.keptOf(value).forEach((kept, j) => {
        named[inputName(i, j)] = this.kept(kept);
      });
    });
    for (const name of parameters) {
      named[name] = this.parameter(name);
      named[`sum.${name}`] = this.gradient(name);
    }
    return [this.at.feeds.tensors, named];
  }

  private keptOf = (value: Value): readonly Kept[] => keptOf(value, this.at.tape.parameters.config.layers);

  private kept(kept: Kept): DeviceTensor {
    if (!('layer' in kept)) return this.tensorOf(kept.producer);
    const run = this.segments.get(kept.producer) as SegmentRun;
    const own = kept.watched ? run.watched[kept.layer] : undefined;
    return own ?? run.outputs[kept.layer] ?? run.y;
  }

  /** Passes a program's cotangents on to the producers of its inputs. */
  private async handOn(inputs: readonly Value[], out: Readonly<Record<string, DeviceTensor>>): Promise<void> {
    for (const i of differentiable(inputs))
      for (const [j, kept] of this.keptOf(inputs[i] as Value).entries()) {
        const part = out[cotangentName(i, j)] as DeviceTensor;
        if ('layer' in kept && kept.watched) await this.addWatched(kept.producer, kept.layer, part);
        else await this.add(kept.producer, part);
      }
  }

  private keepGradients(names: readonly string[], out: Readonly<Record<string, DeviceTensor>>): void {
    for (const name of names) this.setGradient(name, out[`gradient.${name}`] as DeviceTensor);
  }
}
