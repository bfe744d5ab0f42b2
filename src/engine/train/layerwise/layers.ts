import type { ModelProgram } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import { packName } from '../parameters';
import type { Segment } from '../tape/entries';
import { dropoutMasks, segmentInput } from '../tape/inputs';
import { cacheOf, layerOutput, result } from './programs';
import type { RunState, Tensors } from './state';

/** What a layer's program reads besides x: weights, adapters, mask, column, positions, past. */
function bindings(state: RunState, segment: Segment, layer: number): Tensors {
  const { model, feeds, tape } = state.at;
  const { after, adapters } = segment;
  const bound: Record<string, DeviceTensor | undefined> = { ...model.layer(layer) };
  for (const name of adapters)
    bound[`parameter.${name}`] = state.value(state.parameter(packName(name, layer)));
  for (const name of ['keyMask', 'place', 'cos', 'sin'])
    bound[name] = feeds.tensors[segmentInput(segment, name)];
  // Drawn again in reverse rather than kept: they are as large as what they mask.
  for (const [site, mask] of Object.entries(dropoutMasks(tape, segment, layer, state.step))) {
    const name = `mask.${site} ${mask.shape}`;
    feeds.write({ [name]: mask });
    bound[`mask.${site}`] = feeds.tensors[name];
  }
  if (!after) return bound;
  const { k, v } = state.caches(after, layer);
  return { ...bound, pastK: state.value(k), pastV: state.value(v) };
}

export async function runLayers(state: RunState, segment: Segment): Promise<void> {
  const { programs, feeds, tape } = state.at;
  const { forward, placed } = programs.of(segment);
  let x = state.value(result(segment.x.entry));
  if (placed) {
    const positions = feeds.tensors[segmentInput(segment, 'positions')];
    const { y } = await state.call(placed, { x, positions });
    x = y as DeviceTensor;
    state.values.set(layerOutput(segment, -1, false), x);
  }
  for (let i = 0; i < tape.parameters.config.layers; i++) {
    const { y, watched, k, v } = await state.call(forward, bindings(state, segment, i), { x });
    x = y as DeviceTensor;
    state.values.set(layerOutput(segment, i, false), x);
    if (watched) state.values.set(layerOutput(segment, i, true), watched);
    if (!k || !v) continue;
    const caches = state.caches(segment, i);
    state.values.set(caches.k, k);
    state.values.set(caches.v, v);
  }
}

/** The layers in reverse: passes cotangents to the input, the past and the adapters. */
export async function reverseLayers(state: RunState, segment: Segment): Promise<void> {
  const { pool, programs, tape } = state.at;
  const { placed, reverse } = programs.of(segment);
  const { after, x, separates, adapters } = segment;
  const last = tape.parameters.config.layers - 1;
  let dy = state.sums.take(layerOutput(segment, last, false));
  for (let i = last; i >= 0; i--) {
    const { k, v } = cacheOf(segment, i);
    const past = after && cacheOf(after, i);
    const packs = adapters.map((name) => [name, state.parameter(packName(name, i))]);
    const sums = { ...Object.fromEntries(packs), ...(past && { pastK: past.k, pastV: past.v }) };
    const dWatched = state.sums.take(layerOutput(segment, i, separates));
    const cotangents = { dy, dWatched, dK: state.sums.get(k), dV: state.sums.get(v) };
    const { dx } = await state.reverse(
      reverse as ModelProgram,
      sums,
      cotangents,
      bindings(state, segment, i),
      { x: state.value(i > 0 || placed ? layerOutput(segment, i - 1, false) : result(x.entry)) },
    );
    pool.give(dy, dWatched);
    dy = dx;
  }
  await state.handOn(x, [dy]);
}
