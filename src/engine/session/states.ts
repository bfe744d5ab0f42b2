import type { Section } from '../../contract/lens';
import type { GatheredStates, SampleStates } from '../analysis/gathered';
import { throwIfCancelled } from '../base/errors';
import { Owned } from '../base/owned';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { readingsOf, type Variant } from './readings';
import type { Sequence } from './sequences';
import { type Bucket, bucketsOf, chosen, Pass } from './states-pass';
import type { ResolvedSubject } from './subjects';

export { type Sequence, sequencesOf } from './sequences';

export interface GatherOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Programs that gather the same states again and again, as an adapter changes. */
export interface StatesReader {
  /** @param adapter LoRA packs, one a block, which stay the caller's; default: the subject's own */
  gather(options?: GatherOptions & { readonly adapter?: readonly DeviceTensor[] }): Promise<GatheredStates>;
  dispose(): void;
}

/** Bytes of the states of the chosen sections: known from token counts, before anything is run. */
export function statesBytes(
  resolved: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
): number {
  const { layers: L, hiddenSize: H } = resolved.model.config;
  let positions = 0;
  for (const reading of readingsOf(resolved, sequences, sections))
    positions += reading.positions.filter(({ section }) => sections.includes(section)).length;
  return positions * L * H * Float32Array.BYTES_PER_ELEMENT;
}

interface ReadingOptions {
  readonly variant?: Variant;
  /** Of random tokens. */
  readonly seed?: number;
}

/**
 * The states of every sequence at the positions of `sections`, in order. Batches are of sequences of like length.
 * @throws InputError as `readingsOf`, MemoryError for a sequence that is too long, CancelledError between batches
 */
export async function gatherStates(
  runtime: Runtime,
  resolved: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
  { variant, seed, ...options }: GatherOptions & ReadingOptions = {},
): Promise<GatheredStates> {
  const buckets = bucketsOf(readingsOf(resolved, sequences, sections, variant, seed), resolved);
  const own = new Owned();
  try {
    const adapter = uploaded(runtime, resolved, own);
    // One program at a time: each holds the weights.
    return await gather(resolved.model, buckets, sections, options, async (bucket, work) => {
      const pass = await Pass.compile(runtime, resolved, bucket);
      try {
        await work((chunk) => pass.run(chunk, adapter));
      } finally {
        pass.dispose();
      }
    });
  } finally {
    own.dispose();
  }
}

/** As `gatherStates`, compiled once to be run again and again. */
export function openStates(
  runtime: Runtime,
  resolved: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
  { variant, seed, signal }: ReadingOptions & { readonly signal?: AbortSignal } = {},
): Promise<StatesReader> {
  const buckets = bucketsOf(readingsOf(resolved, sequences, sections, variant, seed), resolved);
  return Owned.while(async (owned) => {
    const passes = new Map<Bucket, Pass>();
    for (const bucket of buckets) {
      throwIfCancelled(signal, WHAT);
      passes.set(bucket, owned.add(await Pass.compile(runtime, resolved, bucket)));
    }
    return {
      gather: async ({ adapter, ...options } = {}) => {
        const own = new Owned();
        try {
          const packs = adapter ?? uploaded(runtime, resolved, own);
          return await gather(resolved.model, buckets, sections, options, (bucket, work) =>
            work((chunk) => (passes.get(bucket) as Pass).run(chunk, packs)),
          );
        } finally {
          own.dispose();
        }
      },
      dispose: () => owned.dispose(),
    };
  });
}

const WHAT = 'gathering states';

/** The subject's own adapter. */
function uploaded(runtime: Runtime, { packs = [] }: ResolvedSubject, own: Owned): DeviceTensor[] {
  return packs.map((data, i) =>
    own.add(runtime.upload({ dtype: 'f32', shape: [data.length], data }, `lora.${i}`)),
  );
}

type Read = (chunk: Bucket['readings']) => Promise<Float32Array<ArrayBuffer>>;

/** @param through gives `work` what reads the chunks of a bucket */
async function gather(
  { config }: ResolvedSubject['model'],
  buckets: readonly Bucket[],
  sections: readonly Section[],
  { signal, onProgress }: GatherOptions,
  through: (bucket: Bucket, work: (read: Read) => Promise<void>) => Promise<void>,
): Promise<GatheredStates> {
  const { layers, hiddenSize } = config;
  const total = buckets.reduce((n, { readings }) => n + readings.length, 0);
  const samples = new Array<SampleStates>(total);
  let done = 0;
  onProgress?.(done, total);
  for (const bucket of buckets) {
    throwIfCancelled(signal, WHAT);
    const { readings, shape } = bucket;
    await through(bucket, async (read) => {
      for (let from = 0; from < readings.length; from += shape.batch) {
        throwIfCancelled(signal, WHAT);
        const chunk = readings.slice(from, from + shape.batch);
        const states = await read(chunk);
        chunk.forEach(({ reading, index }, b) => {
          samples[index] = chosen(reading, sections, shape, states, b);
        });
        done += chunk.length;
        onProgress?.(done, total);
      }
    });
  }
  return { layers, hidden: hiddenSize, samples };
}
