import type { ModelProgram } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import type { TapeOutput } from '../step';
import {
  type Computed,
  type Entry,
  type FunctionEntry,
  type KeyValueLossEntry,
  producersOf,
} from '../tape/entries';
import { reverseLayers, runLayers } from './layers';
import { attentionOf, cacheOf, cotangentName, inputName, keptOf, result, sumOf } from './programs';
import type { Bindings, RunState } from './state';

/**
 * Runs the entries forward, in the order they were recorded. A loss produces its cotangents immediately; an entry whose
 * readers are all done then runs in reverse, passes its cotangents on and is freed. Values and cotangents therefore live no
 * longer than they are needed, and nothing here knows what a method is.
 */
export async function runTape(state: RunState): Promise<TapeOutput> {
  const { plan, joining, pool, tape } = state.at;
  const parts: DeviceTensor[] = [];
  const outputs: Record<string, DeviceTensor> = {};
  for (const entry of plan.entries) {
    if (entry.kind === 'segment') await runLayers(state, entry);
    if (entry.kind === 'compute') state.set(result(entry), await valueOf(state, entry));
    if (entry.kind === 'output') outputs[entry.name] = await valueOf(state, entry);
    if (entry.kind === 'loss') parts.push(await loss(state, entry));
    if (entry.kind === 'keyValueLoss') parts.push(await keyValueLoss(state, entry));
    if (!plan.reversed.has(entry)) await done(state, entry);
  }
  if (!joining) return { terms: undefined, gradients: [], outputs };
  const { terms } = await state.call(joining, Object.fromEntries(parts.entries()));
  pool.give(...parts);
  const gradients = tape.parameters.all.map(({ name: slot, shape }) => {
    return state.get(sumOf({ owner: tape.parameters, slot })) ?? state.zeros(shape);
  });
  return { terms, gradients, outputs };
}

/** What a function reads: its values, its parameters, and the batch's inputs. */
function read(state: RunState, entry: FunctionEntry, program: ModelProgram): Bindings[] {
  const { feeds, tape } = state.at;
  const values = entry.inputs.flatMap((value, i) => {
    const parts = value.kind === 'fed' ? [feeds.tensors[value.name]] : keptOf(tape, value);
    return parts.map((each, j) => [inputName(i, j), each]);
  });
  return [feeds.tensors, Object.fromEntries(values), state.parametersOf(program)];
}

async function valueOf(state: RunState, entry: FunctionEntry): Promise<DeviceTensor> {
  const { forward } = state.at.of(entry);
  const { y } = await state.call(forward, ...read(state, entry, forward));
  return y as DeviceTensor;
}

/** Runs a function's program that passes cotangents on to its inputs and parameters. @returns the terms of a loss */
async function reverse(
  state: RunState,
  entry: FunctionEntry,
  program: ModelProgram,
  cotangents: Bindings,
): Promise<DeviceTensor> {
  const given = read(state, entry, program);
  const out = await state.reverse(program, state.summedBy(program), cotangents, ...given);
  for (const [i, value] of entry.inputs.entries()) {
    const parts = keptOf(state.at.tape, value).map((_, j) => out[cotangentName(i, j)]);
    await state.handOn(value, parts);
  }
  return out.y as DeviceTensor;
}

/** @returns its terms [n] */
async function loss(state: RunState, entry: FunctionEntry): Promise<DeviceTensor> {
  const kernel = state.at.kernels.get(entry);
  if (!kernel) return reverse(state, entry, state.at.of(entry).forward, {});
  const [states] = entry.inputs as readonly [Computed];
  await kernel.run(state.get(result(states.entry)) as DeviceTensor, state.hosts);
  await state.handOn(states, [kernel.cotangent]);
  return kernel.terms;
}

/** @returns its term [1], summed over layers */
async function keyValueLoss(state: RunState, entry: KeyValueLossEntry): Promise<DeviceTensor> {
  const { tape, feeds } = state.at;
  const [{ segment }, { segment: other }] = [entry.own, entry.teacher];
  const { forward } = state.at.of(entry);
  const y = result(entry);
  for (let i = 0; i < tape.parameters.config.layers; i++) {
    const { k: teacherK, v: teacherV } = state.caches(other, i);
    const teacher = { teacherK, teacherV, attention: attentionOf(other, i) };
    const sums = { y, ...cacheOf(segment, i) };
    await state.reverse(forward, sums, {}, feeds.tensors, state.caches(segment, i), teacher);
  }
  return state.take(sumOf(y)) as DeviceTensor;
}

/** An entry no longer needs what it read: what nothing else will read runs in reverse and is freed. */
async function done(state: RunState, entry: Entry): Promise<void> {
  const { plan, pool } = state.at;
  for (const { producer } of producersOf(entry)) {
    if (state.leave(producer) > 0) continue;
    if (plan.reversed.has(producer)) {
      if (producer.kind === 'segment') await reverseLayers(state, producer);
      else {
        const dy = state.take(sumOf(result(producer)));
        await reverse(state, producer, state.at.of(producer).reverse as ModelProgram, { dy });
        pool.give(dy);
      }
      await done(state, producer);
    }
    state.free(producer);
  }
}
