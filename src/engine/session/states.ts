import { SECTIONS, type Section } from '../../contract/lens';
import type { GatheredStates, SampleStates } from '../analysis/gathered';
import type { HostTensor } from '../base/dtype';
import { MemoryError, throwIfCancelled } from '../base/errors';
import { Owned } from '../base/owned';
import { leftPad } from '../data/batch';
import { STATES_INPUTS, type StatesShape, statesProgram } from '../decode/states';
import { namedWeights } from '../nn/weights';
import { compileFrozen, type FrozenPrograms } from '../runtime/frozen';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { type Reading, readingsOf, type Variant } from './readings';
import type { Sequence } from './sequences';
import type { ResolvedSubject } from './subjects';

export { type Sequence, sequencesOf } from './sequences';

/** Sequences read at once, at most. */
const MOST_AT_ONCE = 8;
/** What one batch's states may take: larger ones are read fewer at once. */
const BATCH_BYTES = 2 ** 26;
/** Tokens of one sequence, at most: attention is computed whole. */
const LONGEST = 4096;

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

/**
 * The states of every sequence at the positions of `sections`, in order. Batches are of sequences of like length.
 * @throws InputError as `readingsOf`, MemoryError for a sequence that is too long, CancelledError between batches
 */
export async function gatherStates(
  runtime: Runtime,
  resolved: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
  options: GatherOptions & { readonly variant?: Variant; readonly seed?: number } = {},
): Promise<GatheredStates> {
  const reader = await openStates(runtime, resolved, sequences, sections, options);
  try {
    return await reader.gather(options);
  } finally {
    reader.dispose();
  }
}

/** As `gatherStates`, compiled once to be run again and again. */
export async function openStates(
  runtime: Runtime,
  resolved: ResolvedSubject,
  sequences: readonly Sequence[],
  sections: readonly Section[],
  {
    variant,
    seed,
    signal,
  }: { readonly variant?: Variant; readonly seed?: number; readonly signal?: AbortSignal } = {},
): Promise<StatesReader> {
  const readings = readingsOf(resolved, sequences, sections, variant, seed);
  return Owned.while(async (owned) => {
    const passes: Pass[] = [];
    for (const bucket of bucketsOf(readings, resolved)) {
      throwIfCancelled(signal, 'gathering states');
      passes.push(owned.add(await Pass.compile(runtime, resolved, bucket)));
    }
    return {
      gather: ({ adapter, ...rest } = {}) => gather(runtime, resolved, passes, sections, adapter, rest),
      dispose: () => owned.dispose(),
    };
  });
}

async function gather(
  runtime: Runtime,
  { model, packs = [] }: ResolvedSubject,
  passes: readonly Pass[],
  sections: readonly Section[],
  adapter: readonly DeviceTensor[] | undefined,
  { signal, onProgress }: GatherOptions,
): Promise<GatheredStates> {
  const { layers: L, hiddenSize: H } = model.config;
  const total = passes.reduce((n, { bucket }) => n + bucket.readings.length, 0);
  const samples = new Array<SampleStates>(total);
  const own = new Owned();
  try {
    const bound =
      adapter ??
      packs.map((data, i) =>
        own.add(runtime.upload({ dtype: 'f32', shape: [data.length], data }, `lora.${i}`)),
      );
    let done = 0;
    onProgress?.(done, total);
    for (const pass of passes) {
      const { readings, shape } = pass.bucket;
      for (let from = 0; from < readings.length; from += shape.batch) {
        throwIfCancelled(signal, 'gathering states');
        const chunk = readings.slice(from, from + shape.batch);
        const states = await pass.run(chunk, bound);
        chunk.forEach(({ reading, index }, b) => {
          samples[index] = chosen(reading, sections, shape, states, b);
        });
        done += chunk.length;
        onProgress?.(done, total);
      }
    }
  } finally {
    own.dispose();
  }
  return { layers: L, hidden: H, samples };
}

/** Sequences of like length, and the shape of the pass that reads them. */
interface Bucket {
  readonly readings: readonly { readonly reading: Reading; readonly index: number }[];
  readonly shape: StatesShape;
}

/** A bucket holds what is longer than half of its longest: few programs, and less padding than tokens. */
function bucketsOf(readings: readonly Reading[], { model, lora, filter }: ResolvedSubject): Bucket[] {
  const { config } = model;
  const length = ({ question, latents, rest }: Reading): number => question.length + latents + rest.length;
  const sorted = readings
    .map((reading, index) => ({ reading, index }))
    .sort((a, b) => length(b.reading) - length(a.reading));
  const buckets: Bucket[] = [];
  while (sorted.length > 0) {
    const { reading: longest } = sorted[0] as (typeof sorted)[number];
    if (length(longest) > LONGEST)
      throw new MemoryError(
        `${longest.id} has ${length(longest)} tokens; at most ${LONGEST} can be read at once`,
        'Shorten the text.',
      );
    const shorter = sorted.findIndex(({ reading }) => 2 * length(reading) <= length(longest));
    const members = sorted.splice(0, shorter < 0 ? sorted.length : shorter);
    const most = (of: (reading: Reading) => number): number =>
      Math.max(...members.map(({ reading }) => of(reading)));
    const [question, rest] = [most((r) => r.question.length), most((r) => r.rest.length)];
    const { latents } = longest;
    const bytes = (question + latents + rest) * config.layers * config.hiddenSize * 4;
    const batch = Math.max(1, Math.min(MOST_AT_ONCE, members.length, Math.floor(BATCH_BYTES / bytes)));
    buckets.push({ readings: members, shape: { config, batch, question, latents, rest, lora, filter } });
  }
  return buckets;
}

/** The compiled pass of a bucket. */
class Pass {
  private constructor(
    private readonly runtime: Runtime,
    readonly bucket: Bucket,
    private readonly frozen: FrozenPrograms,
  ) {}

  static async compile(runtime: Runtime, { model }: ResolvedSubject, bucket: Bucket): Promise<Pass> {
    const program = statesProgram(bucket.shape);
    return new Pass(runtime, bucket, await compileFrozen(runtime, [program], namedWeights(model.weights)));
  }

  /** States [B, S + K + R, L, H] of a chunk; a short one is filled up with its first reading. */
  async run(chunk: Bucket['readings'], adapter: readonly DeviceTensor[]): Promise<Float32Array<ArrayBuffer>> {
    const { batch: B, question: S, rest: R } = this.bucket.shape;
    const rows = Array.from({ length: B }, (_, b) => (chunk[b] ?? chunk[0])?.reading as Reading);
    const { ids, keyMask } = leftPad(
      rows.map(({ question }) => question),
      S,
      0,
    );
    const rest = new Int32Array(B * R);
    rows.forEach((row, b) => {
      rest.set(row.rest, b * R);
    });
    const [executable] = this.frozen.executables as [FrozenPrograms['executables'][number]];
    const hosts: Readonly<Record<string, HostTensor>> = {
      [STATES_INPUTS.question]: ids,
      [STATES_INPUTS.keyMask]: keyMask,
      [STATES_INPUTS.rest]: { dtype: 'i32', shape: [B, R], data: rest },
    };
    const own = new Owned();
    try {
      const bound: Record<string, DeviceTensor> = { ...this.frozen.tensors };
      for (const name of executable.inputs.keys()) {
        const host = hosts[name];
        if (host) bound[name] = own.add(this.runtime.upload(host, name));
      }
      adapter.forEach((pack, i) => {
        bound[`lora.${i}`] = pack;
      });
      const { states } = (await executable.run(bound)) as { states: DeviceTensor };
      own.add(states);
      return (await states.read()) as Float32Array<ArrayBuffer>;
    } finally {
      own.dispose();
    }
  }

  dispose(): void {
    this.frozen.dispose();
  }
}

/** The rows of sample b at the positions of `sections`. */
function chosen(
  { id, about, question, positions }: Reading,
  sections: readonly Section[],
  { config, question: S, latents: K, rest: R }: StatesShape,
  states: Float32Array,
  b: number,
): SampleStates {
  const row = config.layers * config.hiddenSize;
  // The padding is all at the left of the question or at the right of the rest.
  const gap = S - question.length;
  const kept = positions
    .map((position, i) => ({ ...position, column: gap + i }))
    .filter(({ section }) => sections.includes(section));
  const out = new Float32Array(kept.length * row);
  kept.forEach(({ column }, n) => {
    const from = (b * (S + K + R) + column) * row;
    out.set(states.subarray(from, from + row), n * row);
  });
  return {
    id,
    about,
    tokens: kept.length,
    states: out,
    sections: Uint8Array.from(kept, ({ section }) => SECTIONS.indexOf(section)),
    texts: kept.map(({ text }) => text),
  };
}
