import type { Section } from '../../../contract/lens';
import type { GatheredStates, SampleStates } from '../../analysis/gathered';
import { throwIfCancelled } from '../../base/errors';
import { Owned } from '../../base/owned';
import { yieldToEventLoop } from '../../base/yield-to-event-loop';
import type { Runtime } from '../../runtime/runtime';
import type { ResolvedSubject } from '../models/subjects';
import { fedSequences, type Variant } from './fed-sequences';
import { bucketsOf, chosen, Pass } from './pass';
import type { Sequence } from './sequences';

export { type Sequence, sequencesOf } from './sequences';

export interface GatherOptions {
  readonly variant?: Variant;
  /** Of random tokens. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Bytes of the states of the chosen sections: known from token counts, before anything is run. */
export function statesBytes(
  resolved: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
): number {
  const { layers: L, hiddenSize: H } = resolved.model.config;
  let positions = 0;
  for (const reading of fedSequences(resolved, sequences, sections))
    positions += reading.positions.filter(({ section }) => sections.includes(section)).length;
  return positions * L * H * Float32Array.BYTES_PER_ELEMENT;
}

/**
 * The states of every sequence at the positions of `sections`, in order. Batches are of sequences of like length.
 * @throws InputError as `fedSequences`, MemoryError for a sequence that is too long, CancelledError between batches
 */
export async function gatherStates(
  runtime: Runtime,
  resolved: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
  { variant, seed, signal, onProgress }: GatherOptions = {},
): Promise<GatheredStates> {
  const { layers, hiddenSize: hidden } = resolved.model.config;
  const buckets = bucketsOf(fedSequences(resolved, sequences, sections, variant, seed), resolved);
  const samples = new Array<SampleStates>(sequences.length);
  const own = new Owned();
  let done = 0;
  onProgress?.(done, samples.length);
  try {
    const adapter = (resolved.packs ?? []).map((data, i) =>
      own.add(runtime.upload({ dtype: 'f32', shape: [data.length], data }, `lora.${i}`)),
    );
    for (const bucket of buckets) {
      throwIfCancelled(signal, WHAT);
      // One program at a time: each holds the weights.
      const pass = await Pass.compile(runtime, resolved, bucket);
      try {
        const { fed, shape } = bucket;
        for (let from = 0; from < fed.length; from += shape.batch) {
          await yieldToEventLoop();
          throwIfCancelled(signal, WHAT);
          const chunk = fed.slice(from, from + shape.batch);
          const states = await pass.run(chunk, adapter);
          chunk.forEach(({ reading, index }, b) => {
            samples[index] = chosen(reading, sections, shape, states, b);
          });
          done += chunk.length;
          onProgress?.(done, samples.length);
        }
      } finally {
        pass.dispose();
      }
    }
  } finally {
    own.dispose();
  }
  return { layers, hidden, samples };
}

const WHAT = 'gathering states';
