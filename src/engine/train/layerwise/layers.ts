import type { ModelProgram } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import { packName } from '../parameters';
import type { Segment } from '../tape/entries';
import { dropoutMasks, segmentInput } from '../tape/inputs';
import { computed, layerOutput } from './programs';
import type { RunState, Tensors } from './state';

const packsOf = ({ adapters }: Segment, layer: number) =>
  adapters.map((name) => [name, packName(name, layer)] as const);

/** What a layer's program reads besides x: weights, adapters with their gradients so far, mask, column, past. */
function bindings(state: RunState, segment: Segment, layer: number, { inputs }: ModelProgram): Tensors {
  const { model, feeds, tape } = state.at;
  const { after } = segment;
  const bound: Record<string, DeviceTensor | undefined> = {
    ...model.layer(layer),
    ...state.bound(packsOf(segment, layer)),
  };
  for (const name of ['keyMask', 'place', 'cos', 'sin'])
    if (inputs.has(name)) bound[name] = feeds.tensors[segmentInput(segment, name)];
  // Drawn again in reverse rather than kept: they are as large as what they mask.
  for (const [site, mask] of Object.entries(dropoutMasks(tape, segment, layer, state.step))) {
    const name = `mask.${site} ${mask.shape}`;
    feeds.write({ [name]: mask });
    bound[`mask.${site}`] = feeds.tensors[name];
  }
  if (after) {
    const past = state.caches.of(after, layer);
    Object.assign(bound, { pastK: past.k, pastV: past.v });
  }
  return bound;
}

export async function runLayers(state: RunState, segment: Segment): Promise<void> {
  const { programs, feeds } = state.at;
  const { forward, placed } = programs.of(segment);
  const kept: Record<string, DeviceTensor> = {};
  let x = state.value(computed(segment.x));
  if (placed) {
    const positions = feeds.tensors[segmentInput(segment, 'positions')];
    const { y } = await state.call(placed, { x, positions });
    x = y as DeviceTensor;
    kept[layerOutput(segment, -1, false).slot] = x;
  }
  for (let i = 0; i < state.at.tape.parameters.config.layers; i++) {
    const { y, watched, k, v } = await state.call(forward, bindings(state, segment, i, forward), { x });
    x = y as DeviceTensor;
    kept[layerOutput(segment, i, false).slot] = x;
    if (watched) kept[layerOutput(segment, i, true).slot] = watched;
    if (k && v) state.caches.write(segment, i, { k, v });
  }
  state.keep(segment, kept);
}

/** The layers in reverse: passes cotangents to the input, the past and the adapters. */
export async function reverseLayers(state: RunState, segment: Segment): Promise<void> {
  const { pool, programs, tape } = state.at;
  const { placed, ...pair } = programs.of(segment);
  const reverse = pair.reverse as ModelProgram;
  const zeros = (name: string) => state.zeros(reverse.inputs.get(name)?.shape ?? []);
  const { after, x, separates } = segment;
  const last = tape.parameters.config.layers - 1;
  let dx = state.takeCotangent(layerOutput(segment, last, false)) ?? zeros('dy');
  for (let i = last; i >= 0; i--) {
    const none = zeros(after ? 'pastK' : 'dK');
    const own = state.caches.cotangent(segment, i, none);
    const before = after && state.caches.cotangent(after, i, none);
    const watched = state.takeCotangent(layerOutput(segment, i, separates));
    const out = await state.call(reverse, bindings(state, segment, i, reverse), {
      x: state.value(i > 0 || placed ? layerOutput(segment, i - 1, false) : computed(x)),
      ...{ dy: dx, dK: own.k, dV: own.v, sumK: before?.k, sumV: before?.v },
      dWatched: watched ?? zeros('dWatched'),
    });
    pool.give(dx, watched);
    dx = out.dx as DeviceTensor;
    if (after)
      state.caches.setCotangent(after, i, { k: out.pastK as DeviceTensor, v: out.pastV as DeviceTensor });
    state.takeGradients(packsOf(segment, i), out);
  }
  if (x.detached) pool.give(dx);
  else await state.add(computed(x), dx);
}
