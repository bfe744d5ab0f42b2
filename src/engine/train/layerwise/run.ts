import type { HostTensor } from '../../base/dtype';
import { sizeOf } from '../../base/shape';
import type { ModelProgram } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import type { TapeOutput } from '../step';
import { type Entry, type FunctionEntry, type KeyValueLossEntry, producersOf } from '../tape/entries';
import { hostOf } from '../tape/inputs';
import { reverseLayers, runLayers } from './layers';
import { inputName, keptOf, result } from './programs';
import type { RunState, Tensors } from './state';

/**
 * Runs the entries forward, in the order they were recorded. A loss produces its cotangents immediately; an entry whose
 * readers are all done then runs in reverse, passes its cotangents on and is freed. Values and cotangents therefore live no
 * longer than they are needed, and nothing here knows what a method is.
 */
export async function runTape(state: RunState): Promise<TapeOutput> {
  const { plan, programs, pool } = state.at;
  const parts: DeviceTensor[] = [];
  const outputs: Record<string, DeviceTensor> = {};
  for (const entry of plan.entries) {
    if (entry.kind === 'segment') await runLayers(state, entry);
    if (entry.kind === 'compute') state.keep(entry, { [result(entry).slot]: await valueOf(state, entry) });
    if (entry.kind === 'output') outputs[entry.name] = await valueOf(state, entry);
    if (entry.kind === 'loss') parts.push(await loss(state, entry));
    if (entry.kind === 'keyValueLoss') parts.push(await keyValueLoss(state, entry));
    if (!plan.reverses(entry)) await done(state, entry);
  }
  if (!programs.joining) return { terms: undefined, gradients: [], outputs };
  const { terms } = await state.call(programs.joining, Object.fromEntries(parts.entries()));
  pool.give(...parts);
  return { terms, gradients: state.gradients, outputs };
}

/** Tensors a function reads: its values, its parameters and their gradients so far, and the batch's inputs. */
function read(state: RunState, { inputs, parameters }: FunctionEntry): Tensors[] {
  const values = inputs.flatMap((value, i) =>
    keptOf(state.at.tape, value).map((each, j) => [inputName(i, j), state.value(each)]),
  );
  return [state.at.feeds.tensors, Object.fromEntries(values), state.bound(sameNames(parameters))];
}

const sameNames = (names: readonly string[]) => names.map((name) => [name, name] as const);

async function valueOf(state: RunState, entry: FunctionEntry): Promise<DeviceTensor> {
  const { y } = await state.call(state.at.programs.of(entry).forward, ...read(state, entry));
  return y as DeviceTensor;
}

/** @returns its terms [n] */
async function loss(state: RunState, entry: FunctionEntry): Promise<DeviceTensor> {
  const { programs, tape } = state.at;
  const kernel = programs.kernels.get(entry);
  if (kernel) {
    const [states] = entry.inputs.flatMap((value) => keptOf(tape, value));
    if (states) {
      await kernel.run(state.value(states), state.hosts);
      await state.add(states, kernel.cotangent);
    }
    return kernel.terms;
  }
  const out = await state.call(programs.of(entry).forward, ...read(state, entry));
  await state.handOn(entry, out);
  return out.y as DeviceTensor;
}

/** @returns its term [1], summed over layers */
async function keyValueLoss(state: RunState, entry: KeyValueLossEntry): Promise<DeviceTensor> {
  const { tape, programs, feeds, pool } = state.at;
  const { segment } = entry.range;
  const { forward } = programs.of(entry);
  const { name, shape } = entry.target;
  const target = hostOf(state.hosts, name).data as Float32Array<ArrayBuffer>;
  const size = sizeOf(shape.slice(1));
  let sum = state.zeros([1]);
  for (let i = 0; i < tape.parameters.config.layers; i++) {
    const own = `${name} of layer ${i}`;
    const data = target.subarray(i * size, (i + 1) * size);
    feeds.write({ [own]: { dtype: 'f32', shape: shape.slice(1), data } satisfies HostTensor });
    const { k, v } = state.caches.of(segment, i);
    const cotangent = state.caches.cotangent(segment, i, state.zeros(k.shape));
    const sums = { sum, sumK: cotangent.k, sumV: cotangent.v };
    const out = await state.call(forward, { k, v, target: feeds.tensors[own], ...sums });
    state.caches.setCotangent(segment, i, { k: out.dK as DeviceTensor, v: out.dV as DeviceTensor });
    pool.give(sum);
    sum = out.term as DeviceTensor;
  }
  return sum;
}

/** An entry no longer needs what it read: what nothing else will read runs in reverse and is freed. */
async function done(state: RunState, entry: Entry): Promise<void> {
  const { plan, programs, pool } = state.at;
  for (const { producer } of producersOf(entry)) {
    if (state.leave(producer) > 0) continue;
    if (plan.reverses(producer)) {
      if (producer.kind === 'segment') await reverseLayers(state, producer);
      else {
        const { reverse } = programs.of(producer);
        const dy = state.takeCotangent(result(producer));
        const out = await state.call(reverse as ModelProgram, ...read(state, producer), { dy });
        pool.give(dy);
        await state.handOn(producer, out);
        state.takeGradients(sameNames(producer.parameters), out);
      }
      await done(state, producer);
    }
    state.free(producer);
  }
}
