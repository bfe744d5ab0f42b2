import type { ModelProgram } from '../../model/model-on-device';
import type { DeviceTensor } from '../../runtime/tensor';
import { packName } from '../parameters';
import type { ComputeEntry, Segment } from '../tape/entries';
import type { Caches } from './caches';
import type { Tensors } from './constants';
import type { Run } from './context';
import { maskFeed } from './masks';

/** What running a segment's layers needs. */
export interface LayerHost {
  readonly at: Run;
  readonly caches: Caches;
  call(program: ModelProgram, ...given: readonly Tensors[]): Promise<Record<string, DeviceTensor>>;
  parameter(name: string): DeviceTensor;
  gradient(name: string): DeviceTensor;
  setGradient(name: string, sum: DeviceTensor): void;
  tensorOf(entry: ComputeEntry): DeviceTensor;
  cotangentOf(segment: Segment): {
    readonly dy: DeviceTensor | undefined;
    readonly watched: readonly (DeviceTensor | undefined)[];
  };
  /** Adds a cotangent and takes it over. */
  add(producer: ComputeEntry, part: DeviceTensor): Promise<void>;
}

/** A segment that has been run. */
export interface SegmentRun {
  /** Outputs [B·P, H] of layers 1…L−1, which are the inputs of the next. */
  readonly outputs: readonly DeviceTensor[];
  /** The last layer's output [B·P, H], before the final norm. */
  readonly y: DeviceTensor;
  /** Each layer's watched outputs [B, w, H]; empty if all positions are watched, or none. */
  readonly watched: readonly DeviceTensor[];
}

const layersOf = (runner: LayerHost): number => runner.at.tape.parameters.config.layers;

/** What a layer's program reads besides x: weights, adapters with their gradients so far, mask, column, past. */
function bindings(runner: LayerHost, segment: Segment, layer: number, { inputs }: ModelProgram): Tensors {
  const bound: Record<string, DeviceTensor | undefined> = { ...runner.at.model.layer(layer) };
  for (const name of segment.adapters) {
    bound[`adapter.${name}`] = runner.parameter(packName(name, layer));
    bound[`sum.${name}`] = runner.gradient(packName(name, layer));
  }
  if (inputs.has('place')) Object.assign(bound, runner.at.constants.column(segment.from));
  if (segment.rowPositions !== undefined) {
    bound.cos = runner.at.feeds.tensors[`${segment.rowPositions}.cos`];
    bound.sin = runner.at.feeds.tensors[`${segment.rowPositions}.sin`];
  }
  const width = inputs.get('keyMask')?.shape[3];
  if (width !== undefined) bound.keyMask = maskFeed(runner.at, segment, width);
  if (segment.after) {
    const past = runner.caches.of(segment.after, layer);
    bound.pastK = past.k;
    bound.pastV = past.v;
  }
  return bound;
}

export async function runLayers(runner: LayerHost, segment: Segment): Promise<SegmentRun> {
  const { forward } = runner.at.programs.pair(segment);
  const L = layersOf(runner);
  const outputs: DeviceTensor[] = [];
  const watched: DeviceTensor[] = [];
  let y = runner.tensorOf(segment.x.entry);
  for (let i = 0; i < L; i++) {
    const out = await runner.call(forward, bindings(runner, segment, i, forward), { x: y });
    y = out.y as DeviceTensor;
    if (i < L - 1) outputs.push(y);
    if (out.watched) watched.push(out.watched);
    if (out.k && out.v) runner.caches.write(segment, i, { k: out.k, v: out.v });
  }
  return { outputs, y, watched };
}

/** The layers in reverse: passes cotangents to the input, the past and the adapters. */
export async function reverseLayers(runner: LayerHost, segment: Segment, run: SegmentRun): Promise<void> {
  const { pool, constants, programs } = runner.at;
  const reverse = programs.pair(segment).reverse as ModelProgram;
  const { dy, watched } = runner.cotangentOf(segment);
  const shapeOf = (name: string) => reverse.inputs.get(name)?.shape ?? [];
  const { after } = segment;
  let dx = dy ?? constants.zeros(run.y.shape);
  for (let i = layersOf(runner) - 1; i >= 0; i--) {
    const x = run.outputs[i - 1] ?? runner.tensorOf(segment.x.entry);
    const zeros = constants.zeros(shapeOf(after ? 'pastK' : 'dK'));
    const own = runner.caches.cotangent(segment, i, zeros);
    const before = after && runner.caches.cotangent(after, i, zeros);
    const out = await runner.call(reverse, bindings(runner, segment, i, reverse), {
      ...{ x, dy: dx, dK: own.k, dV: own.v, sumK: before?.k, sumV: before?.v },
      dWatched: watched[i] ?? constants.zeros(shapeOf('dWatched')),
    });
    if (dx !== dy) pool.give(dx);
    dx = out.dx as DeviceTensor;
    if (after)
      runner.caches.setCotangent(after, i, { k: out.pastK as DeviceTensor, v: out.pastV as DeviceTensor });
    for (const name of segment.adapters)
      runner.setGradient(packName(name, i), out[`gradient.${name}`] as DeviceTensor);
  }
  await runner.add(segment.x.entry, dx);
}
