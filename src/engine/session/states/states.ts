import type { Section } from '../../../contract/lens';
import type { LayersSeen } from '../../../contract/memory';
import type { TokenSpan } from '../../../contract/span';
import type { GatheredStates, SampleStates } from '../../analysis/gathered';
import type { HostTensor } from '../../base/dtype';
import { throwIfCancelled } from '../../base/errors';
import { Owned } from '../../base/owned';
import { yieldToEventLoop } from '../../base/yield-to-event-loop';
import { leftPad } from '../../data/batch';
import { columnsOf, layersRun, STATES_INPUTS, type StatesShape, statesProgram } from '../../decode/states';
import type { ModelProgram } from '../../model/model-on-device';
import { uploadParameters } from '../../model/upload-parameters';
import { parameterShapes } from '../../nn/parameter-set';
import { parameterInput } from '../../nn/parameters';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import type { DeviceModels } from '../models/device-models';
import { fitting } from '../models/fits';
import type { ResolvedSubject } from '../models/subjects';
import { type Bucket, bucketsOf, evenly } from './buckets';
import { chosenPositions, type FedSequence, fedSequences, type Variant } from './fed-sequences';
import { gatherOnnx, refuseUnlessTaken } from './onnx-states';
import { type Chosen, collecting, numbered, sampleOf, type TakeSample } from './samples';
import type { Sequence } from './sequences';

export { type Sequence, sequencesOf } from './sequences';

export interface GatherOptions {
  readonly variant?: Variant;
  /** Seed of random tokens. */
  readonly seed?: number;
  /** Of each sequence's positions in the sections, which; default all. */
  readonly span?: TokenSpan | null | undefined;
  /** Which layers, ascending, of 0 … L, where 0 is what the first layer is fed; default 1 … L. Those above them are not run. */
  readonly layers?: readonly number[] | undefined;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
  /**
   * Takes each sample's states as they come, in any order: they are then not kept, and no `samples` are
   * returned.
   */
  readonly take?: TakeSample;
}

/** Bytes of the hidden states of the chosen sections, known from token counts before anything is run. */
export function statesBytes(
  resolved: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
): number {
  const { layers: L, hiddenSize: H } = resolved.model.config;
  let positions = 0;
  for (const reading of fedSequences(resolved, sequences, sections))
    positions += chosenPositions(reading, sections, null).length;
  return positions * L * H * Float32Array.BYTES_PER_ELEMENT;
}

/**
 * The hidden states of every sequence at the positions of `sections`, or a span of them, in order. Sequences of similar length are batched.
 * @throws InputError like `fedSequences`, MemoryError for a sequence that is too long, CancelledError between batches
 */
export async function gatherStates(
  models: DeviceModels,
  resolved: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
  { variant, seed, span, layers, signal, onProgress, take }: GatherOptions = {},
): Promise<GatheredStates> {
  const { hiddenSize: hidden } = resolved.model.config;
  const readings = fedSequences(resolved, sequences, sections, { variant, seed, span });
  const of = { sections, span };
  if (resolved.model.onnx)
    return gatherOnnx(models.onnx, resolved.model.onnx, readings, of, { layers, signal, onProgress, take });
  const { runtime } = models;
  const buckets = fittingBuckets(readings, resolved, layers, runtime.provider);
  const { samples, put } = collecting(take);
  const own = new Owned();
  let done = 0;
  onProgress?.(done, sequences.length);
  try {
    const model = own.add(models.use(resolved.model));
    const { parameters, packs } = resolved;
    const values = uploadParameters(runtime, model.config, parameters, packs).map((one) => own.add(one));
    const trained = Object.fromEntries(
      parameterShapes(model.config, parameters).map(({ name }, i) => [
        parameterInput(name),
        values[i] as DeviceTensor,
      ]),
    );
    for (const { fed, shape } of buckets) {
      throwIfCancelled(signal, WHAT);
      const program = await model.compile(statesProgram({ ...shape, config: model.config }));
      try {
        for (let from = 0; from < fed.length; from += shape.batch) {
          await yieldToEventLoop();
          throwIfCancelled(signal, WHAT);
          const chunk = fed.slice(from, from + shape.batch);
          const states = await run(runtime, program, shape, chunk, trained);
          for (const [b, { reading, index }] of chunk.entries())
            await put(chosen(reading, of, shape, states, b), index);
          done += chunk.length;
          onProgress?.(done, sequences.length);
        }
      } finally {
        await program.dispose();
      }
    }
  } finally {
    await own.dispose();
  }
  return { ...numbered(layers, resolved.model.config.layers), hidden, first: span?.first, samples };
}

/**
 * Refuses what `gatherStates` would refuse, before anything is run.
 * @param readings from `fedSequences`  @param layers as for `gatherStates`
 * @throws MemoryError naming a sequence that cannot be read, InputError for latents of an ONNX export
 */
export function refuseUnlessRead(
  resolved: ResolvedSubject,
  readings: readonly FedSequence[],
  layers: readonly number[] | undefined,
  provider: Runtime['provider'],
): void {
  const { onnx } = resolved.model;
  if (onnx) refuseUnlessTaken(onnx, readings);
  else fittingBuckets(readings, resolved, layers, provider);
}

const fittingBuckets = (
  readings: readonly FedSequence[],
  resolved: ResolvedSubject,
  layers: readonly number[] | undefined,
  provider: Runtime['provider'],
): Bucket[] => bucketsOf(readings, resolved, layers).map((bucket) => withinMemory(bucket, provider));

/** Of the layers that are asked for, if any are, for the estimate of a pass's memory and what it could be instead. */
function seenOf(shape: StatesShape): LayersSeen | undefined {
  if (shape.layers === undefined) return undefined;
  const run = layersRun(shape);
  // Where it runs all whatever is read, reading fewer runs no fewer.
  const least = layersRun({ ...shape, layers: [0] });
  return { run, kept: shape.layers.length, least };
}

/**
 * The bucket with as many sequences at once as fit. @throws MemoryError naming its longest if not even one
 * does
 */
function withinMemory({ fed, shape }: Bucket, provider: Runtime['provider']): Bucket {
  const tokens = columnsOf(shape);
  const purpose = { kind: 'see', sequences: shape.batch, tokens, layers: seenOf(shape) } as const;
  const what = `reading ${fed[0]?.reading.id}`;
  const { sequences: batch } = fitting(shape.config, provider, purpose, what);
  return { fed, shape: { ...shape, batch: evenly(fed.length, batch) } };
}

/** Hidden states [B, columns, P, H] of a chunk; a short one is padded with its first sequence. */
async function run(
  runtime: Runtime,
  program: ModelProgram,
  { batch: B, question: S, rest: R, reasoning }: StatesShape,
  chunk: Bucket['fed'],
  trained: Readonly<Record<string, DeviceTensor>>,
): Promise<Float32Array<ArrayBuffer>> {
  const rows = Array.from({ length: B }, (_, b) => (chunk[b] ?? chunk[0])?.reading as FedSequence);
  const { ids, keyMask } = leftPad(
    rows.map(({ question }) => question),
    S,
    0,
  );
  const rest = new Int32Array(B * R);
  rows.forEach((row, b) => {
    rest.set(row.rest, b * R);
  });
  const stages = reasoning.stages.flatMap((stage, i) =>
    stage.kind === 'tokens' ? [[STATES_INPUTS.tokens(i), repeated(stage.ids, B)] as const] : [],
  );
  const hosts: Readonly<Record<string, HostTensor>> = {
    ...Object.fromEntries(stages),
    [STATES_INPUTS.question]: ids,
    [STATES_INPUTS.keyMask]: keyMask,
    [STATES_INPUTS.rest]: { dtype: 'i32', shape: [B, R], data: rest },
  };
  const own = new Owned();
  try {
    const bound: Record<string, DeviceTensor> = {};
    for (const name of program.inputs.keys()) {
      const host = hosts[name];
      const value = host ? own.add(runtime.upload(host, name)) : trained[name];
      if (value) bound[name] = value;
    }
    const { states } = (await program.run(bound)) as { states: DeviceTensor };
    own.add(states);
    return (await states.read()) as Float32Array<ArrayBuffer>;
  } finally {
    await own.dispose();
  }
}

/** The same ids for each of B sequences, i32 [B, n]. */
const repeated = (ids: readonly number[], B: number): HostTensor => ({
  dtype: 'i32',
  shape: [B, ids.length],
  data: Int32Array.from({ length: B * ids.length }, (_, i) => ids[i % ids.length] as number),
});

/** Sample b of a chunk's states. */
function chosen(
  fed: FedSequence,
  of: Chosen,
  shape: StatesShape,
  states: Float32Array,
  b: number,
): SampleStates {
  const { hiddenSize, layers: L } = shape.config;
  const row = (shape.layers?.length ?? L) * hiddenSize;
  // All padding is to the left of the question or to the right of the rest.
  const first = b * columnsOf(shape) + shape.question - fed.question.length;
  return sampleOf(fed, of, row, (position, out) => {
    const from = (first + position) * row;
    out.set(states.subarray(from, from + row));
  });
}

const WHAT = 'gathering states';
