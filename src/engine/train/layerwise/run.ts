import { sizeOf } from '../../base/shape';
import type { ModelProgram } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import type { TapeOutput } from '../step';
import {
  type Entry,
  type FunctionEntry,
  type KeyValueLossEntry,
  producersOf,
  type Value,
} from '../tape/entries';
import { hostOf } from '../tape/inputs';
import { reverseLayers, runLayers } from './layers';
import { cacheOf, cotangentName, inputName, type Kept, keptOf, result } from './programs';
import type { RunState, Tensors } from './state';

/**
 * Runs the entries forward, in the order they were recorded. A loss produces its cotangents immediately; an entry whose
 * readers are all done then runs in reverse, passes its cotangents on and is freed. Values and cotangents therefore live no
 * longer than they are needed, and nothing here knows what a method is.
 */
export async function runTape(state: RunState): Promise<TapeOutput> {
  const { plan, programs, pool, tape } = state.at;
  const parts: DeviceTensor[] = [];
  const outputs: Record<string, DeviceTensor> = {};
  for (const entry of plan.entries) {
    if (entry.kind === 'segment') await runLayers(state, entry);
    if (entry.kind === 'compute') state.values.set(result(entry), await valueOf(state, entry));
    if (entry.kind === 'output') outputs[entry.name] = await valueOf(state, entry);
    if (entry.kind === 'loss') parts.push(await loss(state, entry));
    if (entry.kind === 'keyValueLoss') parts.push(await keyValueLoss(state, entry));
    if (!plan.reversed.has(entry)) await done(state, entry);
  }
  if (!programs.joining) return { terms: undefined, gradients: [], outputs };
  const { terms } = await state.call(programs.joining, Object.fromEntries(parts.entries()));
  pool.give(...parts);
  const gradients = tape.parameters.all.map(
    ({ name, shape }) => state.sums.get(state.parameter(name)) ?? state.zeros(shape),
  );
  return { terms, gradients, outputs };
}

/** Tensors a function reads: its values, its parameters, and the batch's inputs. */
function read(state: RunState, { inputs, parameters }: FunctionEntry): Tensors[] {
  const values = inputs.flatMap((value, i) =>
    keptOf(state.at.tape, value).map((each, j) => [inputName(i, j), state.value(each)]),
  );
  const own = parameters.map((name) => [`parameter.${name}`, state.value(state.parameter(name))]);
  return [state.at.feeds.tensors, Object.fromEntries([...values, ...own])];
}

async function valueOf(state: RunState, entry: FunctionEntry): Promise<DeviceTensor> {
  const { y } = await state.call(state.at.programs.of(entry).forward, ...read(state, entry));
  return y as DeviceTensor;
}

/** Runs a function's program that passes cotangents on to its inputs and parameters. @returns the terms of a loss */
async function reverse(
  state: RunState,
  entry: FunctionEntry,
  program: ModelProgram,
  cotangents: Tensors,
): Promise<DeviceTensor> {
  const sums = entry.parameters.map((name) => [name, state.parameter(name)]);
  const out = await state.reverse(program, Object.fromEntries(sums), cotangents, ...read(state, entry));
  for (const [i, value] of entry.inputs.entries())
    await state.handOn(
      value,
      keptOf(state.at.tape, value).map((_, j) => out[cotangentName(i, j)]),
    );
  return out.y as DeviceTensor;
}

/** @returns its terms [n] */
async function loss(state: RunState, entry: FunctionEntry): Promise<DeviceTensor> {
  const { programs, tape } = state.at;
  const kernel = programs.kernels.get(entry);
  if (!kernel) return reverse(state, entry, programs.of(entry).forward, {});
  const [states] = entry.inputs as readonly [Value];
  await kernel.run(state.value(keptOf(tape, states)[0] as Kept), state.hosts);
  await state.handOn(states, [kernel.cotangent]);
  return kernel.terms;
}

/** @returns its term [1], summed over layers */
async function keyValueLoss(state: RunState, entry: KeyValueLossEntry): Promise<DeviceTensor> {
  const { tape, programs, feeds } = state.at;
  const { segment } = entry.range;
  const { forward } = programs.of(entry);
  const { name } = entry.target;
  const shape = entry.target.shape.slice(1);
  const targets = hostOf(state.hosts, name).data as Float32Array<ArrayBuffer>;
  const size = sizeOf(shape);
  const y = result(entry);
  for (let i = 0; i < tape.parameters.config.layers; i++) {
    const own = `${name} of layer ${i}`;
    feeds.write({ [own]: { dtype: 'f32', shape, data: targets.subarray(i * size, (i + 1) * size) } });
    const { k, v } = state.caches(segment, i);
    const given = { k: state.value(k), v: state.value(v), target: feeds.tensors[own] };
    await state.reverse(forward, { y, ...cacheOf(segment, i) }, {}, given);
  }
  return state.sums.take(y) as DeviceTensor;
}

/** An entry no longer needs what it read: what nothing else will read runs in reverse and is freed. */
async function done(state: RunState, entry: Entry): Promise<void> {
  const { plan, programs, pool } = state.at;
  for (const { producer } of producersOf(entry)) {
    if (state.leave(producer) > 0) continue;
    if (plan.reversed.has(producer)) {
      if (producer.kind === 'segment') await reverseLayers(state, producer);
      else {
        const dy = state.sums.take(result(producer));
        await reverse(state, producer, programs.of(producer).reverse as ModelProgram, { dy });
        pool.give(dy);
      }
      await done(state, producer);
    }
    state.free(producer);
  }
}
