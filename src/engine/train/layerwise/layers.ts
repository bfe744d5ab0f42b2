import type { ModelProgram } from '../../model/model-on-device';
import { BASE, packName } from '../../nn/parameters';
import { layerShapes } from '../../nn/weights';
import type { DeviceTensor } from '../../runtime/tensor';
import { type Segment, segmentInput } from '../tape/entries';
import { dropoutMasks } from '../tape/inputs';
import { attentionOf, cacheOf, layerOutput, result, sumOf } from './programs';
import type { Bindings, RunState } from './state';

/** What is trained in a layer: adapters' packs, and its own weights. */
const packsOf = (state: RunState, { adapters }: Segment, layer: number) => {
  const { config, weights } = state.at.tape.parameters;
  const own = weights ? Object.keys(layerShapes(config)) : [];
  return state.parameters([
    ...adapters.map((name) => [name, packName(name, layer)] as const),
    ...own.map((name) => [BASE + name, `${BASE}${layer}.${name}`] as const),
  ]);
};

/** What a layer's program reads besides x: weights, adapters, mask, column, positions, past. */
function bindings(state: RunState, segment: Segment, layer: number): Bindings {
  const { model, feeds, tape } = state.at;
  const { after } = segment;
  const bound: Record<string, Bindings[string]> = {
    ...(tape.parameters.weights ? {} : model.layer(layer)),
    ...packsOf(state, segment, layer),
  };
  for (const name of ['keyMask', 'place', 'cos', 'sin'])
    bound[name] = feeds.tensors[segmentInput(segment, name)];
  // Drawn again in reverse rather than kept: they are as large as what they mask.
  for (const [site, mask] of Object.entries(dropoutMasks(tape, segment, layer, state.step))) {
    bound[`mask.${site}`] = feeds.write(`mask.${site} ${mask.shape}`, mask);
  }
  if (!after) return bound;
  const { k, v } = state.caches(after, layer);
  return { ...bound, pastK: k, pastV: v };
}

export async function runLayers(state: RunState, segment: Segment): Promise<void> {
  const { forward } = state.at.of(segment);
  let x = state.get(result(segment.x.entry));
  for (let i = 0; i < state.at.tape.parameters.config.layers; i++) {
    const { y, watched, k, v, attention } = await state.call(forward, bindings(state, segment, i), { x });
    x = y as DeviceTensor;
    state.set(layerOutput(segment, i, false), x);
    if (watched) state.set(layerOutput(segment, i, true), watched);
    if (attention) state.set(attentionOf(segment, i), attention);
    if (!k || !v) continue;
    const caches = state.caches(segment, i);
    state.set(caches.k, k);
    state.set(caches.v, v);
  }
}

/** The layers in reverse: passes cotangents to the input, the past and the adapters. */
export async function reverseLayers(state: RunState, segment: Segment): Promise<void> {
  const { pool, tape } = state.at;
  const { reverse } = state.at.of(segment);
  const { after, x, separates } = segment;
  const last = tape.parameters.config.layers - 1;
  let dy = state.take(sumOf(layerOutput(segment, last, false)));
  for (let i = last; i >= 0; i--) {
    const { k, v } = cacheOf(segment, i);
    const past = after && cacheOf(after, i);
    const sums = { ...packsOf(state, segment, i), ...(past && { pastK: past.k, pastV: past.v }) };
    const dWatched = state.take(sumOf(layerOutput(segment, i, separates)));
    const cotangents = { dy, dWatched, dK: sumOf(k), dV: sumOf(v) };
    const input = i > 0 ? layerOutput(segment, i - 1, false) : result(x.entry);
    const given = { ...bindings(state, segment, i), x: input };
    const { dx } = await state.reverse(reverse as ModelProgram, sums, cotangents, given);
    pool.give(dy, dWatched);
    dy = dx;
  }
  await state.handOn(x, [dy]);
}
